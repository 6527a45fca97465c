import { createHash, type X509Certificate } from 'node:crypto'
import type { TlsEvidence } from '../audit/index.ts'
import { type FailureOutcome, outcomeOfChainError } from './outcome.ts'
import type { Proof } from './route/route.ts'

/** What a finished handshake showed. */
export interface HandshakeFacts {
  /** As OpenSSL names them: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
  readonly protocol: string | null
  readonly cipher: string | undefined
  readonly group: string | null
  readonly certificate: X509Certificate | undefined
  /** OpenSSL's verdict on the chain against the CAs that the rule trusts; undefined when it is sound. */
  readonly chainError: string | undefined
}

export type TlsVerdict =
  | { readonly ok: true; readonly evidence: TlsEvidence }
  | { readonly ok: false; readonly outcome: FailureOutcome }

/** Whether a proof takes a chain to a CA, or the server's own key alone. */
export function needsChain(proof: Proof): boolean {
  return proof.level === 'pinned' ? proof.pins.ca !== undefined : proof.level !== 'dane'
}

/**
 * Whether this handshake authenticated `host` as `proof` demands, at `now`. Nothing is sent to a server for which the
 * answer is no. A server known by its key alone must still carry the name and be in its time.
 */
export function judgeHandshake(
  proof: Proof,
  asked: TlsEvidence['asked'],
  host: string,
  facts: HandshakeFacts,
  now: Date,
): TlsVerdict {
  const { protocol, cipher, group, certificate, chainError } = facts
  if (certificate === undefined) return refused('tls_certificate_untrusted')
  if (protocol === null || cipher === undefined || !isStrong(protocol, cipher)) return refused('tls_too_weak')
  if (needsChain(proof) && chainError !== undefined) return refused(outcomeOfChainError(chainError))
  if (certificate.validFromDate > now || certificate.validToDate < now)
    return refused('tls_certificate_expired')
  if (!carriesName(certificate, host)) return refused('tls_name_mismatch')
  if (proof.level === 'pinned' && !isPinned(certificate, proof.pins.spkiSha256))
    return refused('tls_pin_mismatch')
  if (proof.level === 'dane') return refused('tls_dane_mismatch')
  return {
    ok: true,
    evidence: {
      rule: proof.level,
      ...(asked === undefined ? {} : { asked }),
      version: protocol,
      cipher,
      group,
      certificateSha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    },
  }
}

/** TLS 1.3, or 1.2 with forward secrecy and an AEAD; our offer holds nothing else, this holds it a second time. */
function isStrong(protocol: string, cipher: string): boolean {
  return protocol === 'TLSv1.3' || (protocol === 'TLSv1.2' && /^ECDHE-.*(?:GCM|POLY1305)/.test(cipher))
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
  if (pins === undefined) return true
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return pins.includes(createHash('sha256').update(spki).digest('base64'))
}

function refused(outcome: FailureOutcome): TlsVerdict {
  return { ok: false, outcome }
}
