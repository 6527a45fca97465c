import { attestationKinds, recipientKinds } from '../../../recipients/index.ts'
import type { Form } from '../../browser/form.ts'
import { html } from '../../page/html.ts'
import { type Choice, card, choices, field } from '../../page/parts.ts'

/** One attestation per kind may come with the form, by two fields of its name. */
export function invitationOf(form: Form): unknown {
  return {
    address: form.text('address').trim(),
    organisation: form.text('organisation').trim(),
    kind: form.text('kind'),
    phone: form.text('phone').trim(),
    retentionDays: Number(form.text('retentionDays')),
    attestations: attestationsOf(form),
  }
}

function attestationsOf(form: Form) {
  return attestationKinds
    .filter(kind => form.text(kind).trim() !== '' || form.text(`${kind}Until`) !== '')
    .map(kind => ({ kind, reference: form.text(kind).trim(), validUntil: form.text(`${kind}Until`) }))
}

const labels = {
  aoc: 'AOC (attestation of compliance)',
  saq: 'SAQ (self-assessment)',
  contract: 'Contract',
  scope: 'Machine in PCI scope',
  training: 'Training',
  retention: 'Agreed retention',
} as const

/** The kinds of attestation, to choose one. */
export const attestationChoices: readonly Choice[] = attestationKinds.map(kind => ({
  value: kind,
  label: labels[kind],
}))

const attestationFields = attestationKinds.map(kind => {
  const reference = field(kind, `${labels[kind]}: where the document is`, { required: false })
  const until = { type: 'date', required: false, size: 10 } as const
  return html`<div class="pair">${reference}${field(`${kind}Until`, `${labels[kind]}: valid until`, until)}</div>`
})

const kindLabels = { employee: 'Employee', supplier: 'Supplier', customer: 'Customer or merchant' } as const

export const invitationPage = html`<form method="post" action="/recipients">
${card(
  'Who',
  html`${field('address', 'Address', { type: 'email', hint: 'Exactly as it is written: keys and mails must have this very address. Its domain needs a rule (Destinations), or nothing is sent, not even the invitation.', size: 254 })}
${field('organisation', 'Organisation')}
${choices(
  'kind',
  'Kind',
  recipientKinds.map(kind => ({ value: kind, label: kindLabels[kind] })),
)}
${field('phone', 'Telephone for the check of the fingerprint', { type: 'tel', hint: 'From your own records, not from a mail of theirs. International: +31 20 123 4567.', size: 40 })}
${field('retentionDays', 'They keep our mail for at most this many days', { type: 'number', size: 4 })}`,
)}
${card(
  'What they have shown',
  html`<p class="soft">Employees need scope and training, suppliers contract
and AOC, customers AOC or SAQ, all of them the agreed retention. It can also be recorded
later.</p>${attestationFields}`,
)}
<button>Send the invitation</button></form>`
