import type { Express } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { type RevocationReason, revocationReasons } from '../../keys/index.ts'
import { attempt } from '../browser/attempt.ts'
import { readCookie, setCookie } from '../browser/cookies.ts'
import { readForm } from '../browser/form.ts'
import { goTo, refuseMethod, sendPage, tokenOf } from '../browser/frame.ts'
import { html } from '../page/html.ts'
import { act, choices, foreign, say } from '../page/parts.ts'
import { peerOf } from '../refuse.ts'
import type { PublicContext } from './dependencies.ts'

/**
 * The links of our mails. Programs follow links to look for malware: a GET, of whatever secret, shows a button and
 * neither does nor tells anything.
 */
export function routeLinks(app: Express, context: PublicContext): void {
  const { enrolment, site, organisation } = context

  app
    .route('/enrol/:token')
    .get((request, response) => {
      sendPage(response, site, {
        title: 'Encrypted mail for you',
        body: html`<p>${foreign(organisation)} has invited you to receive confidential mail, encrypted so
that only you can read it.</p>
<p>It takes a few minutes. You need your OpenPGP public key, and the mail program that holds your private
key.</p>
${act(`/enrol/${tokenOf(request)}`, 'Begin')}
<p class="soft">The link works once, and opens your page for 24 hours in this browser.</p>`,
      })
    })
    .post(async (request, response) => {
      const token = tokenOf(request)
      const { session } = await attempt(context, request, token, () =>
        enrolment.openLink(token, peerOf(request).address),
      )
      setCookie(response, '__Host-enrolment', session)
      goTo(response, '/enrol')
    })
    .all(refuseMethod('GET, HEAD, POST'))

  app
    .route('/prove/:token')
    .get((request, response) => {
      sendPage(response, site, {
        title: 'You could read the mail',
        body: html`<p>One click more, and mailbox and key are proved to be
yours.</p>${act(`/prove/${tokenOf(request)}`, 'Return the code')}`,
      })
    })
    .post(async (request, response) => {
      const token = tokenOf(request)
      const session = readCookie(request, '__Host-enrolment')
      await attempt(context, request, token, () =>
        enrolment.prove(token, { peer: peerOf(request).address, session }),
      )
      sendPage(response, site, {
        title: 'Thank you: the key is yours',
        body: html`${say(
          'good',
          html`<p><strong>Proved.</strong> You received the mail, and you hold the
private key.</p>`,
        )}
<p>Next, somebody of ${foreign(organisation)} compares the fingerprint of your key with you, by telephone or
in person. You need not keep this page open.</p>
${session !== undefined && html`<p><a href="/enrol">See how far your enrolment is</a></p>`}`,
      })
    })
    .all(refuseMethod('GET, HEAD, POST'))

  app
    .route('/stop/:token')
    .get((request, response) => {
      sendPage(response, site, {
        title: 'Stop the use of your key',
        body: html`${say(
          'warn',
          html`<p><strong>This takes effect at once and cannot be undone.</strong>
Mail that waits for you is stopped. To receive mail again you need a new key.</p>`,
        )}
<form method="post" action="/stop/${tokenOf(request)}">${choices('reason', 'Why?', stopReasons)}
<button class="danger">Stop using my key</button></form>`,
      })
    })
    .post(async (request, response) => {
      const token = tokenOf(request)
      const reason = revocationReason((await readForm(request)).text('reason'))
      await attempt(context, request, token, () =>
        enrolment.revokeByLink(token, reason, peerOf(request).address),
      )
      sendPage(response, site, {
        title: 'Your key is no longer used',
        body: html`${say(
          'good',
          html`<p><strong>Done.</strong> Nothing more is sent to this key, and what
was waiting is stopped.</p>`,
        )}
<p>${foreign(organisation)} was told. ${reason === 'compromised' && 'Revoke the key in your own program too, and do not use it anywhere else.'}</p>
<p>To receive mail again, ask the person who invited you for a new link.</p>`,
      })
    })
    .all(refuseMethod('GET, HEAD, POST'))
}

const stopReasons = [
  { value: 'compromised', label: 'Somebody else may have my private key' },
  { value: 'superseded', label: 'I have a new key' },
  { value: 'retired', label: 'I no longer use this key, or have lost it' },
  { value: 'left', label: 'I no longer work there, or should not get this mail' },
  { value: 'unknown', label: 'Another reason' },
] as const satisfies readonly { value: RevocationReason; label: string }[]

function revocationReason(text: string): RevocationReason {
  const reason = revocationReasons.find(known => known === text)
  if (reason !== undefined) return reason
  throw new SealpostError('invalid_request', { errors: [{ pointer: '/reason', code: 'invalid_value' }] })
}
