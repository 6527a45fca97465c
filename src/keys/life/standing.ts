import type { RecipientCode } from '../../kernel/index.ts'

export type CertificateState = 'active' | 'retired' | 'revoked'

/** What decides whether a stored certificate may be encrypted to. */
export interface CertificateStanding {
  readonly state: CertificateState
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** Of a retired certificate: until when what was accepted for it may go out. */
  readonly finishUntil: Date | null
}

/**
 * Why nothing may be encrypted to, or sent for, this certificate at `at`; undefined when it may. A retired
 * certificate is refused for new messages; `purpose: 'finish'` lets what was accepted before its retirement go out
 * until `finishUntil`. A revocation is final for both.
 */
export function certificateRefusal(
  certificate: CertificateStanding,
  purpose: 'accept' | 'finish',
  at: Date,
): RecipientCode | undefined {
  const { state, expiresAt, revokedAt, finishUntil } = certificate
  if (state === 'revoked' || revokedAt !== null) return 'certificate_revoked'
  if (state === 'retired' && (purpose === 'accept' || finishUntil === null || finishUntil <= at))
    return 'certificate_retired'
  if (expiresAt !== null && expiresAt <= at) return 'certificate_expired'
  return undefined
}
