import { createHash } from 'node:crypto'
import type { Express, Request, Response } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import type { ProposalSource, RecipientView } from '../../recipients/index.ts'
import { attempt } from '../browser/attempt.ts'
import { clearCookie, readCookie } from '../browser/cookies.ts'
import { type Form, readForm } from '../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../browser/frame.ts'
import { type Content, html } from '../page/html.ts'
import { act, say } from '../page/parts.ts'
import { peerOf } from '../refuse.ts'
import type { PublicContext } from './dependencies.ts'
import { enrolmentPage } from './enrolment-page.ts'
import { cutOffWarning, refusedCertificate } from './verdict.ts'

/** The page that a link opened, and what can be done on it; all under the session of its cookie. */
export function routeEnrolment(app: Express, context: PublicContext): void {
  const { enrolment, site, organisation, find } = context

  const show = (response: Response, view: RecipientView, result?: Content, status = 200): void => {
    const body = enrolmentPage({ view, organisation, discovery: find !== undefined, result })
    sendPage(response, site, { title: 'Your encrypted mail', body }, status)
  }

  app
    .route('/enrol')
    .get(async (request, response) => {
      show(response, await enrolment.recipientOf(sessionOf(request)))
    })
    .all(refuseMethod('GET, HEAD'))

  app
    .route('/enrol/certificate')
    .post(async (request, response) => {
      const session = sessionOf(request)
      const view = await enrolment.recipientOf(session)
      const form = await readForm(request)
      try {
        const { bytes, source } = await chosen(form, view, find)
        if (bytes.length === 0) {
          show(response, view, nothingGiven, 422)
          return
        }
        const result = await attempt(context, request, session, () =>
          enrolment.propose({ session }, bytes, source),
        )
        if (result.outcome === 'proposed' && result.cutOff === null) {
          goTo(response, '/enrol')
          return
        }
        const after = await enrolment.recipientOf(session)
        if (result.outcome === 'rejected') {
          show(response, after, refusedCertificate(result.reasons), 422)
          return
        }
        show(
          response,
          after,
          result.outcome === 'proposed'
            ? result.cutOff && cutOffWarning(result.cutOff)
            : said[result.outcome],
        )
      } finally {
        form.wipe()
      }
    })
    .all(refuseMethod('POST'))

  app
    .route('/enrol/find')
    .post(async (request, response) => {
      const session = sessionOf(request)
      const view = await enrolment.recipientOf(session)
      if (find === undefined) throw new SealpostError('not_found')
      const found = await attempt(context, request, session, () => find(view.recipient.address))
      show(
        response,
        view,
        found.length === 0
          ? say(
              'plain',
              html`<p><strong>We found no key for your address.</strong> Give us the file instead.</p>`,
            )
          : say(
              'plain',
              html`<p><strong>We found this.</strong> Take it only if it is the key that your mail program
has.</p>${found.map(({ source, bytes }) =>
                act('/enrol/certificate', `Check the key from ${places[source]}`, {
                  look: 'second',
                  hidden: { found: digestOf(bytes) },
                }),
              )}`,
            ),
      )
    })
    .all(refuseMethod('POST'))

  app
    .route('/enrol/code')
    .post(async (request, response) => {
      const session = sessionOf(request)
      const code = (await readForm(request)).text('code').trim()
      const view = await enrolment.recipientOf(session)
      try {
        await attempt(context, request, session, () =>
          enrolment.prove(code, { peer: peerOf(request).address, session }),
        )
      } catch (error) {
        if (!(error instanceof SealpostError) || error.code !== 'possession_not_proved') throw error
        show(response, view, wrongCode, 422)
        return
      }
      goTo(response, '/enrol')
    })
    .all(refuseMethod('POST'))

  app
    .route('/enrol/code/again')
    .post(async (request, response) => {
      const session = sessionOf(request)
      const view = await attempt(context, request, session, () => enrolment.challengeAgain(session))
      show(
        response,
        view,
        say(
          'good',
          html`<p><strong>Another mail is on its way.</strong> Only the code of the newest one counts.</p>`,
        ),
      )
    })
    .all(refuseMethod('POST'))

  app
    .route('/enrol/revocation')
    .post(async (request, response) => {
      const session = sessionOf(request)
      await enrolment.recipientOf(session)
      const form = await readForm(request)
      const revoked = await attempt(context, request, session, () =>
        enrolment.revokeByUpload(session, form.file('file') ?? Buffer.from(form.text('text'))),
      ).finally(() => form.wipe())
      const view = await enrolment.recipientOf(session)
      show(response, view, revoked ? said.revoked : noRevocation, revoked ? 200 : 422)
    })
    .all(refuseMethod('POST'))

  app
    .route('/enrol/leave')
    .post((_request, response) => {
      clearCookie(response, '__Host-enrolment')
      sendPage(response, site, {
        title: 'Closed',
        body: html`<p>This browser no longer shows your page. What you did so far is kept.</p>`,
      })
    })
    .all(refuseMethod('POST'))
}

function sessionOf(request: Request): string {
  const session = readCookie(request, '__Host-enrolment')
  if (session === undefined) throw new SealpostError('link_invalid')
  return session
}

/** What was given: a file before a text. What was found is looked for again, so that the page carries no certificate. */
async function chosen(
  form: Form,
  { recipient }: RecipientView,
  find: PublicContext['find'],
): Promise<{ bytes: Uint8Array; source: ProposalSource }> {
  const digest = form.text('found')
  if (digest === '' || find === undefined) {
    return { bytes: form.file('file') ?? Buffer.from(form.text('text').trim(), 'utf8'), source: 'upload' }
  }
  const again = (await find(recipient.address)).find(({ bytes }) => digestOf(bytes) === digest)
  if (again === undefined) throw new SealpostError('state_conflict')
  return again
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const places = { wkd: 'your own domain', vks: 'the key server' } as const

const nothingGiven = say(
  'warn',
  html`<p><strong>There was no key in the form.</strong> Choose a file, or paste the text of your public
key.</p>`,
)
const wrongCode = say(
  'bad',
  html`<p><strong>This is not the code that we sent, or it has expired.</strong> Use the newest mail and
copy the whole code, or ask for another.</p>`,
)
const noRevocation = say(
  'warn',
  html`<p><strong>This is not a revocation of your key.</strong> Nothing was changed. To stop its use all
the same, follow the “stop” link in any of our mails, or call the person who invited you.</p>`,
)

const said = {
  extended: say(
    'good',
    html`<p><strong>Your key was updated.</strong> Its new expiry date counts from now on.</p>`,
  ),
  unchanged: say('plain', html`<p><strong>This is the key in use already.</strong> Nothing was changed.</p>`),
  revoked: say(
    'good',
    html`<p><strong>Your key is revoked and no longer used.</strong> What was waiting for it is stopped. You
can give us a new one.</p>`,
  ),
} as const
