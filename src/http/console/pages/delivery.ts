import type { Operator } from '../../../access/index.ts'
import type { TlsEvidence } from '../../../audit/index.ts'
import type { AttemptStatus } from '../../../delivery/index.ts'
import { grouped } from '../../../keys/index.ts'
import type { readDelivery } from '../../../review/index.ts'
import { type Content, type Html, html } from '../../page/html.ts'
import { card, facts, foreign } from '../../page/parts.ts'
import { readersOfLog } from '../readers.ts'
import { exactly } from './search-parts.ts'

/** One delivery: from whom to whom, to which key, and each attempt with how the server proved itself. */
export function deliveryPage(delivery: Awaited<ReturnType<typeof readDelivery>>, operator: Operator): Html {
  const { id, message, recipient, address, certificate, encryptionSubkey, tries } = delivery
  const auditor = readersOfLog.some(role => operator.roles.includes(role))
  return html`${card(
    'The delivery',
    facts([
      ['Id', html`<code>${id}</code>`],
      ['Message', html`<code>${message}</code>`],
      ['To', html`<a href="/recipients/${recipient}">${foreign(address)}</a>`],
      ['From', foreign(delivery.from)],
      ['Application', html`${foreign(delivery.applicationName)} <code>${delivery.application}</code>`],
      ['Reference', delivery.reference === null ? null : foreign(delivery.reference)],
      [
        'State',
        html`${delivery.state}${delivery.outcome !== null && html` (<code>${delivery.outcome}</code>)`}`,
      ],
      ['Accepted', exactly(delivery.acceptedAt)],
      ['Ended', delivery.settledAt === null ? null : exactly(delivery.settledAt)],
      ['Next attempt', delivery.nextAttemptAt === null ? null : exactly(delivery.nextAttemptAt)],
      ['Key', html`<a href="/keys/${certificate}"><code>${grouped(certificate)}</code></a>`],
      ['Encryption subkey', html`<code>${grouped(encryptionSubkey)}</code>`],
      ['Format', delivery.format],
      [
        'Ciphertext',
        html`${delivery.ciphertextBytes} octets, SHA-256 <code>${delivery.ciphertextSha256}</code>`,
      ],
    ]),
  )}
${auditor && proofs(id, message)}
${tries.length === 0 ? html`<p class="soft">No attempt has ended yet.</p>` : tries.map(attempt)}`
}

function proofs(id: string, message: string): Content {
  const events = `/audit?about=${id}`
  return card(
    'What the log says of it',
    html`<p class="acts"><a href="${events}">All its events</a>
<a href="/v1/messages/${message}/evidence" download>Evidence of the message, as a file</a></p>
<p class="soft">The file proves by itself what became of each delivery of the message: <code>sealpost audit verify
--evidence FILE</code>. That you took it is recorded.</p>`,
  )
}

function attempt(one: AttemptStatus): Html {
  const { number, outcome, startedAt, finishedAt, host, address, port, tls, replyCode, reply } = one
  return card(
    `Attempt ${number}`,
    facts([
      ['Outcome', html`<code>${outcome}</code>`],
      ['Began', exactly(startedAt)],
      ['Ended', exactly(finishedAt)],
      ['Server', host === undefined ? 'none was reached' : foreign(host)],
      [
        'At',
        address === undefined ? null : foreign(`${address}${port === undefined ? '' : `, port ${port}`}`),
      ],
      [
        'It answered',
        replyCode === undefined && reply === undefined
          ? null
          : html`${replyCode} ${reply !== undefined && foreign(reply)}`,
      ],
      ...(tls === undefined ? [['TLS', 'no server proved itself'] as const] : authenticated(tls)),
    ]),
  )
}

const rules: { readonly [Rule in TlsEvidence['rule']]: string } = {
  dane: 'DANE: a TLSA record in signed DNS',
  pinned: 'a CA or key that the rule of the domain pins',
  mta_sts: 'MTA-STS: the policy of the domain names it',
  secure: 'a public CA, for a name that the rule of the domain gives',
}

function authenticated(tls: TlsEvidence): Parameters<typeof facts>[0] {
  return [
    ['Authenticated by', rules[tls.rule]],
    ['The rule asked for', tls.asked],
    ['TLS', `${tls.version}, ${tls.cipher}${tls.group === null ? '' : `, ${tls.group}`}`],
    ['Its certificate', html`SHA-256 <code>${tls.certificateSha256}</code>`],
    ['TLSA record', tls.tlsa === undefined ? null : html`<code>${tls.tlsa}</code>`],
    ['MTA-STS policy', tls.stsPolicy === undefined ? null : foreign(tls.stsPolicy)],
    ['Revocation', tls.revocation?.replace('_', ' ')],
    ['REQUIRETLS', tls.requireTls === undefined ? null : tls.requireTls ? 'said' : 'not said'],
  ]
}
