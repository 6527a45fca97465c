import type { Express } from 'express'
import { signIn, signOut } from '../../access/index.ts'
import { attempt } from '../browser/attempt.ts'
import { clearCookie, readCookie, setCookie } from '../browser/cookies.ts'
import { goTo, refuseMethod, sendPage, tokenOf } from '../browser/frame.ts'
import { html } from '../page/html.ts'
import { act } from '../page/parts.ts'
import { peerOf } from '../refuse.ts'
import type { ConsoleContext } from './dependencies.ts'

/** In by a link that works once, out by a button. The session's cookie is always a new one, whatever a browser brought. */
export function routeSignIn(app: Express, context: ConsoleContext): void {
  const { knex, clock, site } = context

  app
    .route('/sign-in/:token')
    .get((request, response) => {
      sendPage(response, site, {
        title: 'Sign in',
        body: html`<p>This link was made for you on the host of the gateway. It works
once.</p>${act(`/sign-in/${tokenOf(request)}`, 'Sign in')}
<p class="soft">You are signed out after 15 minutes without use, and after 12 hours in any case.</p>`,
      })
    })
    .post(async (request, response) => {
      const token = tokenOf(request)
      const { session } = await attempt(context, request, token, () =>
        signIn(knex, clock, token, peerOf(request)),
      )
      const before = readCookie(request, '__Host-operator')
      if (before !== undefined) await signOut(knex, clock, before)
      setCookie(response, '__Host-operator', session)
      goTo(response, '/')
    })
    .all(refuseMethod('GET, HEAD, POST'))

  app
    .route('/sign-out')
    .post(async (request, response) => {
      const session = readCookie(request, '__Host-operator')
      if (session !== undefined) await signOut(knex, clock, session)
      clearCookie(response, '__Host-operator')
      sendPage(response, site, {
        title: 'Signed out',
        body: html`<p>To sign in again, ask for a link on the host: <code>sealpost operator
sign-in</code>.</p>`,
      })
    })
    .all(refuseMethod('POST'))
}
