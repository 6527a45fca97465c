import { grouped } from '../../../keys/index.ts'
import type { HeldCertificate, Proposal, RecipientDetails } from '../../../recipients/index.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { card, dayOf, facts, fingerprint, foreign, moment } from '../../page/parts.ts'

/** Everything to know of a recipient before deciding on them; of proposals the one in question. */
export function recipientFacts(details: RecipientDetails, proposal: Proposal | undefined): Html {
  return html`${card('The recipient', [
    facts([
      ['Address', html`<a href="/recipients/${details.id}">${foreign(details.address)}</a>`],
      ['Organisation', foreign(details.organisation)],
      ['Kind', details.kind],
      ['State', html`${details.state}${details.suspendedFor !== null && html` (${details.suspendedFor})`}`],
      ['Telephone', details.phone === null ? null : foreign(details.phone)],
      ['Keeps mail for', details.retentionDays === null ? null : html`${details.retentionDays} days`],
      ['Attested until', details.attestedUntil === null ? null : dayOf(details.attestedUntil)],
      ['Missing', details.missing.length === 0 ? null : html`<strong>${details.missing.join(', ')}</strong>`],
    ]),
    attestations(details),
  ])}
${proposal !== undefined && proposed(proposal, subkeyInUse(details, proposal))}`
}

function attestations({ attestations: given }: RecipientDetails): Content {
  return (
    given.length > 0 &&
    html`<h3>Attestations</h3><ul class="list">${given.map(
      ({ kind, reference, validUntil }) =>
        html`<li><strong>${kind}</strong>: ${foreign(reference)}
<br><span class="soft">until ${dayOf(validUntil)}</span></li>`,
    )}</ul>`
  )
}

/** The subkey that the proposed one would replace, where both are of one key. */
function subkeyInUse({ certificates }: RecipientDetails, proposal: Proposal): string | undefined {
  return certificates.find(
    ({ state, fingerprint: inUse }) => state === 'active' && inUse === proposal.fingerprint,
  )?.encryptionSubkey
}

function proposed(proposal: Proposal, replaces: string | undefined): Html {
  return card('The proposed certificate', [
    facts([
      ['State', proposal.state],
      ['Encryption subkey', html`<code>${grouped(proposal.encryptionSubkey)}</code>`],
      ['Kind of key', html`${proposal.algorithm}, ${proposal.format}`],
      ['Good until', proposal.expiresAt === null ? 'no end set' : dayOf(proposal.expiresAt)],
      ['Came by', proposal.source],
      [
        'Certified by the key in use',
        proposal.certifiedBy === null ? 'no' : html`yes, <code>${proposal.certifiedBy}</code>`,
      ],
      ['Proposed', moment(proposal.proposedAt)],
      ['Possession proved', proposal.provedAt === null ? 'not yet' : moment(proposal.provedAt)],
      [
        'Fingerprint checked',
        proposal.verifiedAt === null
          ? 'not yet'
          : html`${moment(proposal.verifiedAt)}, by ${proposal.verifiedMeans?.replace('_', ' ')}`,
      ],
      ['Comes into use', proposal.activatesAt === null ? null : moment(proposal.activatesAt)],
    ]),
    replaces !== undefined &&
      html`<p class="soft">This key is in use already, with another encryption subkey: <code>${grouped(replaces)}</code>.
What is new is the subkey, so that one has to be compared, too.</p>`,
    fingerprint(proposal),
  ])
}

export function held(certificate: HeldCertificate): Html {
  return html`<li><a href="/keys/${certificate.fingerprint}"><code>${certificate.groups}</code></a>
<br><span class="soft">subkey <code>${grouped(certificate.encryptionSubkey)}</code>: ${certificate.state}, ${certificate.algorithm}, accepted
${moment(certificate.acceptedAt)}${
  certificate.expiresAt !== null &&
  html`, good until
${dayOf(certificate.expiresAt)}`
}${
  certificate.revokedAt !== null &&
  html`, revoked
${moment(certificate.revokedAt)}`
}</span></li>`
}
