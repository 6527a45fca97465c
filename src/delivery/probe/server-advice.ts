import { type FailureOutcome, outcomes } from '../outcome.ts'
import type { ProbedServer, ProbeResult } from '../smtp/probe.ts'

type Shown = NonNullable<Extract<ProbeResult, { ok: false }>['shown']>

/** What to do about a server that did not prove itself. Names in it are foreign text. */
export function serverAdvice({ host, address, port, result }: ProbedServer): string {
  const at = address === null ? host : `${host} (${address}:${port})`
  if (result.ok) return `${at}: nothing to do.`
  const { outcome, shown } = result
  const advise = remedies[outcome]
  return `${at}: ${advise === undefined ? outcomes[outcome][1] : advise(shown ?? nothing, host)}`
}

const nothing: Shown = {
  version: null,
  cipher: null,
  group: null,
  names: '',
  notBefore: null,
  notAfter: null,
  spkiSha256: null,
  chainSha256: [],
}

const keyOf = ({ spkiSha256 }: Shown): string => `Its key is ${spkiSha256 ?? 'unknown'} (SHA-256).`
const unreachable = (): string => 'Is it up, and does our own firewall let us out to that port?'

/** Where more can be said than what the outcome means. */
const remedies: Partial<Record<FailureOutcome, (shown: Shown, host: string) => string>> = {
  connect_failed: unreachable,
  connection_lost: unreachable,
  timeout: unreachable,
  address_not_allowed: () =>
    'It is at a private address. If that is right, add its range to SEALPOST_DELIVERY_ALLOWED_NETWORKS.',
  tls_not_offered: () =>
    'It offers no STARTTLS. Ask them; if they say that it does, somebody on the way takes it out.',
  tls_too_weak: () =>
    'Its TLS is too weak for us or for the crypto policy in force. Ask them for TLS 1.3, or 1.2 with ECDHE and AES-GCM.',
  tls_certificate_untrusted: shown =>
    `Its certificate does not lead to a CA that the rule trusts. ${keyOf(shown)} If they confirm it on another way than mail, it can be pinned.`,
  tls_certificate_expired: ({ notBefore, notAfter }) =>
    `Its certificate holds from ${notBefore ?? '?'} to ${notAfter ?? '?'}. Ask them to renew it.`,
  tls_name_mismatch: ({ names }, host) =>
    `Its certificate is for ${names === '' ? 'no name at all' : names}. Ask them for one with ${host}, or list the server by a name that it has.`,
  tls_pin_mismatch: shown =>
    `${keyOf(shown)} The rule pins another. If they confirm on another way than mail that they changed it, ask for a rule with the new one.`,
  tls_dane_mismatch: shown =>
    `${keyOf(shown)} Their TLSA records name another: a change of theirs went wrong, or somebody stands between. Ask their postmaster.`,
  tls_certificate_revoked: () => 'Their CA has revoked its certificate. Ask them for a new one.',
  tls_revocation_stale: () =>
    'Nothing fresh is known of a revocation of its certificate. Can we reach the places that the certificate names for that, over HTTP?',
  destination_below_floor: () =>
    'It proved itself, but the floor of the rule or of the crypto policy wants a stronger proof.',
  requiretls_not_offered: () =>
    'It does not offer REQUIRETLS, which the rule makes a must. Ask them, or ask for a rule without.',
  starttls_injection: () =>
    'Bytes came where none may be: somebody sits between us and the server, or is it. Nothing was said to them; tell your network’s people and their postmaster.',
}
