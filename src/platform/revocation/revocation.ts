import type { X509Certificate } from 'node:crypto'

/**
 * What is known of a certificate's revocation. `stale`: there is something that says so, an OCSP response or a list of
 * revoked certificates, and no fresh, sound copy of it; `unknown`: its CA publishes neither.
 */
export interface Revocation {
  readonly status: 'good' | 'revoked' | 'stale' | 'unknown'
  /** Which of the two gave the status; null when neither did. */
  readonly source: 'ocsp' | 'crl' | null
}

/**
 * Whether `issuer` has revoked `leaf`, which may be a CA's certificate too. The caller has verified the chain: nothing
 * here says that `issuer` is trusted, only that `leaf` is of its making. `staple` is the OCSP response that came with the
 * handshake. Never rejects; whatever cannot be made sense of is `stale`. May take as long as a fetch takes.
 */
export type RevocationCheck = (
  leaf: X509Certificate,
  issuer: X509Certificate,
  staple: Buffer | undefined,
) => Promise<Revocation>
