import type { Router } from 'express'
import { type CertificateRecord, findCertificate, fingerprintWords, grouped } from '../../../keys/index.ts'
import { readForm } from '../../browser/form.ts'
import { goTo, refuseMethod, sendPage } from '../../browser/frame.ts'
import { html } from '../../page/html.ts'
import { card, choices, dayOf, facts, fingerprint, foreign, moment } from '../../page/parts.ts'
import { revokeKey } from '../actions.ts'
import { type ConsoleContext, forOperator, operatorBehind } from '../dependencies.ts'
import { revocationForm } from '../forms.ts'
import { checked, fingerprintOf } from '../query.ts'

/** One key: whose it is, how it and each of its subkeys stand, what was sent to it, and the way to stop it. */
export function routeKeyPage(router: Router, context: ConsoleContext): void {
  const { knex, site } = context

  router
    .route('/keys/:fingerprint')
    .get(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const key = await findCertificate(knex, fingerprintOf(request))
      const exposure = `/v1/keys/${key.fingerprint}/exposure` as const
      const body = html`${card('The certificate', [
        facts([
          ['Recipient', html`<a href="/recipients/${key.recipient}">${foreign(key.address)}</a>`],
          ...standing(key),
        ]),
        fingerprint({ groups: grouped(key.fingerprint), words: fingerprintWords(key.fingerprint) }),
      ])}
${
  key.subkeys.length > 1 &&
  card(
    'Subkeys under the same key, earlier ones',
    html`<ul class="list">${key.subkeys.slice(1).map(earlier => html`<li>${facts(standing(earlier))}</li>`)}</ul>`,
  )
}
${
  operator.roles.some(role => role === 'admin' || role === 'auditor') &&
  card(
    'What was sent to it',
    html`<p>Every
delivery whose ciphertext this key opens, with whichever of its subkeys. That you looked is recorded.</p>
<p class="acts"><a href="${exposure}?format=csv">As CSV</a> <a href="${exposure}">As JSON</a></p>`,
  )
}
${
  key.state !== 'revoked' &&
  operator.roles.includes('admin') &&
  card(
    'Revoke',
    html`<p>At once and for
good, with all its subkeys. What waits for this key is stopped.</p>
<form method="post" action="/keys/${key.fingerprint}/revoke">${choices('reason', 'Why?', reasons)}
<button class="danger">Revoke now</button></form>`,
  )
}`
      sendPage(response, site, forOperator(operator, { title: 'Certificate', body }))
    })
    .all(refuseMethod('GET, HEAD'))

  router
    .route('/keys/:fingerprint/revoke')
    .post(async (request, response) => {
      const operator = await operatorBehind(context, request)
      const key = fingerprintOf(request)
      const { reason } = checked(revocationForm, { reason: (await readForm(request)).text('reason') })
      await revokeKey(context, operator, key, reason)
      goTo(response, `/keys/${key}`)
    })
    .all(refuseMethod('POST'))
}

function standing(key: CertificateRecord): Parameters<typeof facts>[0] {
  return [
    ['State', key.state],
    ['Encryption subkey', html`<code>${grouped(key.encryptionSubkey)}</code>`],
    ['Kind of key', html`${key.algorithm}, ${key.format}`],
    ['Accepted', moment(key.acceptedAt)],
    ['Good until', key.expiresAt === null ? 'no end set' : dayOf(key.expiresAt)],
    ['Retired', key.retiredAt === null ? null : moment(key.retiredAt)],
    ['Finishes until', key.finishUntil === null ? null : moment(key.finishUntil)],
    [
      'Revoked',
      key.revokedAt === null
        ? null
        : html`${moment(key.revokedAt)}${key.revokedFor !== null && html` (${key.revokedFor})`}`,
    ],
    ['Refreshed', key.refreshedAt === null ? null : moment(key.refreshedAt)],
  ]
}

const reasons = [
  { value: 'compromised', label: 'Compromised: somebody else may have the private key' },
  { value: 'superseded', label: 'Superseded by another key' },
  { value: 'retired', label: 'Retired, or lost' },
  { value: 'left', label: 'Its owner has left' },
  { value: 'unknown', label: 'Another reason' },
] as const
