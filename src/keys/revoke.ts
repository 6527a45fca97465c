import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../audit/index.ts'
import type { Clock } from '../kernel/index.ts'
import { certificateExists, markRevoked } from './store.ts'

export type Revocation = 'revoked' | 'already_revoked' | 'unknown_certificate'

/**
 * Revokes a certificate, with its audit event in the same transaction. Takes effect for every message that has not
 * reached its MAIL FROM: intake and the courier look again each time. Never undone.
 */
export async function revokeCertificate(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  fingerprint: string,
): Promise<Revocation> {
  const recipient = await markRevoked(trx, fingerprint, clock.now())
  if (recipient === undefined) {
    return (await certificateExists(trx, fingerprint)) ? 'already_revoked' : 'unknown_certificate'
  }
  await appendEvents(trx, clock, [
    {
      actor,
      event: {
        type: 'certificate.revoked',
        recipient,
        certificate: fingerprint,
        reason: 'unknown',
        means: 'host',
        stopped: 0,
      },
    },
  ])
  return 'revoked'
}
