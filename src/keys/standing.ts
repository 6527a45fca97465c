import type { RecipientCode } from '../kernel/index.ts'

export type CertificateState = 'active' | 'retired' | 'revoked'

/** What decides whether a stored certificate may be encrypted to. */
export interface CertificateStanding {
  readonly state: CertificateState
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
}

/**
 * Why nothing may be encrypted to, or sent for, this certificate at `at`; undefined when it may. A retired
 * certificate is refused here for new messages only: `purpose: 'finish'` lets what was accepted before its
 * retirement go out. A revocation is final for both.
 */
export function certificateRefusal(
  certificate: CertificateStanding,
  purpose: 'accept' | 'finish',
  at: Date,
): RecipientCode | undefined {
  if (certificate.state === 'revoked' || certificate.revokedAt !== null) return 'certificate_revoked'
  if (certificate.state === 'retired' && purpose === 'accept') return 'certificate_missing'
  if (certificate.expiresAt !== null && certificate.expiresAt <= at) return 'certificate_expired'
  return undefined
}
