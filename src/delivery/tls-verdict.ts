import { createHash, type X509Certificate } from 'node:crypto'
import type { TlsEvidence } from '../audit/index.ts'
import type { TlsaRecord } from '../platform/dns/index.ts'
import { type FailureOutcome, outcomeOfChainError } from './outcome.ts'
import type { Proof } from './route/route.ts'
import { matchEndEntity, tlsaText } from './verdict/dane.ts'

/** What a finished handshake showed. */
export interface HandshakeFacts {
  /** As OpenSSL names them: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly group: string | null
  /** The certificates that the server sent, its own first, at most eight. */
  readonly chain: readonly X509Certificate[]
  /** OpenSSL's verdict on the chain against the CAs that were trusted; undefined when it is sound. */
  readonly chainError: string | undefined
  /** Level `dane`: the DANE-TA record whose certificate was the one CA that was trusted. */
  readonly anchor?: TlsaRecord
}

/** What an authenticated handshake says of itself; the rest of the evidence comes with the session. */
export type HandshakeEvidence = Required<
  Pick<TlsEvidence, 'rule' | 'version' | 'cipher' | 'group' | 'certificateSha256' | 'chainSha256'>
> &
  Pick<TlsEvidence, 'tlsa' | 'stsPolicy'>

export type TlsVerdict =
  | { readonly ok: true; readonly evidence: HandshakeEvidence }
  | { readonly ok: false; readonly outcome: FailureOutcome }

/**
 * Whether a proof takes a chain to a CA that others trust too, and so can be revoked; not a key or an anchor that stands in
 * a rule or in DNS.
 */
export function needsChain(proof: Proof): boolean {
  return proof.level === 'pinned' ? proof.pins.ca !== undefined : proof.level !== 'dane'
}

/**
 * Whether this handshake authenticated `host` as `proof` demands, at `now`. Nothing is sent to a server for which the
 * answer is no. A server known by a pinned key alone must still carry the name and be in its time; one known by a
 * DANE-EE(3) record need not (RFC 7672 section 3.1.1).
 */
export function judgeHandshake(proof: Proof, host: string, facts: HandshakeFacts, now: Date): TlsVerdict {
  const { protocol, cipher, group, chain } = facts
  const [leaf] = chain
  if (leaf === undefined) return refused('tls_certificate_untrusted')
  if (protocol === null || cipher === undefined || !isStrong(protocol, cipher)) return refused('tls_too_weak')
  const judged =
    proof.level === 'dane' ? judgeDane(proof, leaf, facts, now) : judgeNamed(proof, host, leaf, facts, now)
  if ('outcome' in judged) return refused(judged.outcome)
  const chainSha256 = chain.map(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase())
  return {
    ok: true,
    evidence: {
      rule: proof.level,
      version: protocol,
      cipher,
      group,
      certificateSha256: chainSha256[0] ?? '',
      chainSha256,
      ...judged,
    },
  }
}

type Judged = Pick<TlsEvidence, 'tlsa' | 'stsPolicy'> | { readonly outcome: FailureOutcome }

/** RFC 7672 section 3.1: one record that fits is enough, so that keys can be rolled over. */
function judgeDane(
  { tlsa, names }: Extract<Proof, { level: 'dane' }>,
  leaf: X509Certificate,
  { chainError, anchor }: HandshakeFacts,
  now: Date,
): Judged {
  const own = matchEndEntity(tlsa, leaf)
  if (own !== undefined) return { tlsa: tlsaText(own) }
  if (anchor === undefined) return { outcome: 'tls_dane_mismatch' }
  if (chainError !== undefined) return { outcome: outcomeOfChainError(chainError) }
  if (!isInTime(leaf, now)) return { outcome: 'tls_certificate_expired' }
  if (!names.some(name => carriesName(leaf, name))) return { outcome: 'tls_name_mismatch' }
  return { tlsa: tlsaText(anchor) }
}

function judgeNamed(
  proof: Exclude<Proof, { level: 'dane' }>,
  host: string,
  leaf: X509Certificate,
  { chainError }: HandshakeFacts,
  now: Date,
): Judged {
  if (needsChain(proof) && chainError !== undefined) return { outcome: outcomeOfChainError(chainError) }
  if (!isInTime(leaf, now)) return { outcome: 'tls_certificate_expired' }
  if (!carriesName(leaf, host)) return { outcome: 'tls_name_mismatch' }
  if (proof.level === 'pinned' && !isPinned(leaf, proof.pins.spkiSha256))
    return { outcome: 'tls_pin_mismatch' }
  return proof.level === 'mta_sts' ? { stsPolicy: proof.policyId } : {}
}

/** TLS 1.3, or 1.2 with forward secrecy and an AEAD; our offer holds nothing else, this holds it a second time. */
function isStrong(protocol: string, cipher: string): boolean {
  return protocol === 'TLSv1.3' || (protocol === 'TLSv1.2' && /^ECDHE-.*(?:GCM|POLY1305)/.test(cipher))
}

function isInTime({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate <= now && now <= validToDate
}

/**
 * RFC 9525: only DNS names of the subject alternative name count; the common name does not, nor does a wildcard that is
 * not the whole leftmost label.
 */
export function carriesName(certificate: X509Certificate, host: string): boolean {
  return (
    certificate.checkHost(host, { subject: 'never', wildcards: true, partialWildcards: false }) !== undefined
  )
}

function isPinned(certificate: X509Certificate, pins: readonly string[] | undefined): boolean {
  return pins?.includes(spkiSha256(certificate)) ?? true
}

/** As pins are written: base64 of SHA-256 over the SubjectPublicKeyInfo. */
export function spkiSha256({ publicKey }: X509Certificate): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

function refused(outcome: FailureOutcome): TlsVerdict {
  return { ok: false, outcome }
}
