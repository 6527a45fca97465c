import type { Router } from 'express'
import type { Operator } from '../../../access/index.ts'
import { lacksDestination } from '../../../delivery/index.ts'
import { domainOf, type RecipientId } from '../../../kernel/index.ts'
import type { Proposal, RecipientDetails } from '../../../recipients/index.ts'
import { type Form, readForm } from '../../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { type Content, html } from '../../page/html.ts'
import { act, card, choices, field, foreign, say } from '../../page/parts.ts'
import { openProposal } from '../api/recipients.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { attestationForm, suspensionForm, verificationForm } from '../forms.ts'
import { checked, recipientOf } from '../query.ts'
import { attestationChoices } from './invitation-form.ts'
import { held, recipientFacts } from './recipient-facts.ts'

/** One recipient: what is known, and what an admin can do. */
export function routeRecipientPage(router: Router, context: ConsoleContext): void {
  const { enrolment, knex, site } = context

  router
    .route('/recipients/:id')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const details = await enrolment.show(recipientOf(request))
      const unreachable = details.state !== 'unenrolled' && (await lacksDestination(knex, details.address))
      const body = [unreachable && noRule(details), recipientPage(details, operator)]
      sendPage(response, site, forOperator(operator, { title: 'Recipient', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  /** Does something, then shows the recipient, or the change request that it became. */
  const step = (
    path: string,
    task: (operator: Operator, recipient: RecipientId, form: Form) => Promise<unknown>,
  ): void => {
    router
      .route(`/recipients/:id/${path}`)
      .post(async (request, response) => {
        const operator = await operatorBehind(context, request)
        const recipient = recipientOf(request)
        const asked = await task(operator, recipient, await readForm(request))
        goTo(response, isChange(asked) ? `/changes/${asked.id}` : `/recipients/${recipient}`)
      })
      .all(refuseMethod('POST'))
  }

  step('verify', async (operator, id, form) => {
    const { means } = checked(verificationForm, { means: form.text('means') })
    return enrolment.verifyFingerprint(operator, await openProposal(context, id), means)
  })
  step('reject', async (operator, id) => enrolment.reject(operator, await openProposal(context, id)))
  step('renew-link', (operator, id) => enrolment.renewLink(operator, id))
  step('suspend', (operator, id, form) =>
    enrolment.suspend(operator, id, checked(suspensionForm, { reason: form.text('reason') }).reason),
  )
  step('reinstate', (operator, id) => enrolment.askReinstate(operator, id))
  step('unenrol', (operator, id) => enrolment.unenrol(operator, id))
  step('attestations', (operator, id, form) =>
    enrolment.askAttest(operator, id, [
      checked(attestationForm, {
        kind: form.text('kind'),
        reference: form.text('reference').trim(),
        validUntil: form.text('validUntil'),
      }),
    ]),
  )
}

function noRule({ address }: RecipientDetails): Content {
  const domain = domainOf(address)
  return say(
    'warn',
    html`<p><strong>Their domain has no rule, so nothing is sent to them, not even the invitation.</strong> It waits for three
days. <a href="/destinations/${domain}">Give ${foreign(domain)} a rule</a></p>`,
  )
}

function isChange(result: unknown): result is { readonly id: string } {
  return typeof result === 'object' && result !== null && 'id' in result
}

function recipientPage(details: RecipientDetails, operator: Operator): Content {
  const open = details.proposals.find(({ state }) => state !== 'activated' && state !== 'dropped')
  return html`${recipientFacts(details, open)}
${operator.roles.includes('admin') && details.state !== 'unenrolled' && [next(details, open), standing(details)]}
${details.certificates.length > 0 && card('Certificates', html`<ul class="list">${details.certificates.map(held)}</ul>`)}`
}

/** The one thing that an admin has to do now. */
function next({ id, step, phone }: RecipientDetails, open: Proposal | undefined): Content {
  switch (step) {
    case 'verify':
      return card(
        'Check the fingerprint',
        html`<p>Call ${phone ?? 'them on a number from your own records'}, and let them read the fingerprint
or the words <em>from their own program</em>. Every group must be the same as above.</p>
<form method="post" action="/recipients/${id}/verify">${choices('means', 'How did you compare it?', means)}
<button>It is the same: ask for approval</button></form>
<p class="soft">If it is not the same, reject the certificate and find out
why.</p>${act(`/recipients/${id}/reject`, 'Reject this certificate', { look: 'danger' })}`,
      )
    case 'approve':
      return say(
        'plain',
        html`<p>A second operator has to
approve.${
          open?.changeRequest !== null &&
          open?.changeRequest !== undefined &&
          html`
<a href="/changes/${open.changeRequest}">See the change request</a>`
        }</p>`,
      )
    case 'propose':
      return say('plain', html`<p>They have a link and have to give a certificate.</p>`)
    case 'prove':
      return say('plain', html`<p>They were sent a code and have to return it.</p>`)
    case 'wait':
      return say(
        'plain',
        html`<p>The certificate is approved and comes into use once the cooling-off is
over.</p>${act(`/recipients/${id}/reject`, 'Reject this certificate', { look: 'danger' })}`,
      )
    case 'none':
    case 'ended':
      return undefined
  }
}

const means = [
  { value: 'phone', label: 'By telephone, on a number that I know' },
  { value: 'in_person', label: 'In person' },
  { value: 'video', label: 'By video, and I know them' },
  { value: 'letter', label: 'By letter' },
] as const

const suspensions = [
  { value: 'operator', label: 'An operator decided so' },
  { value: 'incident', label: 'Because of an incident' },
] as const

function standing(details: RecipientDetails): Content {
  const { id, state } = details
  return [
    card(
      'Record an attestation',
      html`<p class="soft">Counts once a second operator has approved.</p><details>
<summary>Fill in</summary><form method="post" action="/recipients/${id}/attestations">${choices('kind', 'What', attestationChoices)}${field('reference', 'Where the document is')}${field('validUntil', 'Valid until', { type: 'date', size: 10 })}
<button>Ask for approval</button></form></details>`,
    ),
    card(
      'Enrolment',
      html`<div class="acts">${act(`/recipients/${id}/renew-link`, 'Send a new link', { look: 'second' })}${state === 'suspended' && act(`/recipients/${id}/reinstate`, 'Ask to lift the suspension', { look: 'second' })}</div>
${
  state === 'active' &&
  html`<details><summary>Suspend</summary>
<form method="post" action="/recipients/${id}/suspend">${choices('reason', 'Why?', suspensions)}
<button class="danger">Suspend now</button></form></details>`
}
<details><summary>Unenrol</summary><p>At once and for good: their keys are retired, what waits for them is
stopped, their links end.</p>${act(`/recipients/${id}/unenrol`, 'Unenrol now', { look: 'danger' })}</details>`,
    ),
  ]
}
