import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { type NoticeSender, queueNotice } from '../../notices/index.ts'
import type { StopDeliveries } from './stop.ts'
import { certificateExists, markRevoked } from './store.ts'

export const revocationReasons = ['compromised', 'superseded', 'retired', 'left', 'unknown'] as const
export type RevocationReason = (typeof revocationReasons)[number]
/** By which way the revocation came. */
export type RevocationMeans = 'operator' | 'host' | 'link' | 'upload' | 'refresh'

export interface RevocationOrder {
  readonly actor: Actor
  readonly means: RevocationMeans
  readonly reason: RevocationReason
  /** Full fingerprint of the primary key, upper-case hex. */
  readonly fingerprint: string
  readonly stop: StopDeliveries
  readonly sender: NoticeSender
}

export interface Revocation {
  readonly outcome: 'revoked' | 'already_revoked' | 'unknown_certificate'
  /** Deliveries that were waiting and were stopped by this call. */
  readonly stopped: number
}

/**
 * Revokes a certificate, for good: stops what is queued for it and writes the audit event, all in the caller's
 * transaction, with a notice to the recipient. What a courier holds between connect and MAIL FROM falls to its last check.
 * A second revocation changes nothing, not even the reason. A certificate that is only proposed is unknown here.
 */
export async function revokeCertificate(
  trx: Knex.Transaction,
  clock: Clock,
  { actor, means, reason, fingerprint, stop, sender }: RevocationOrder,
): Promise<Revocation> {
  const owner = await markRevoked(trx, fingerprint, reason, clock.now())
  if (owner === undefined) {
    const known = await certificateExists(trx, fingerprint)
    return { outcome: known ? 'already_revoked' : 'unknown_certificate', stopped: 0 }
  }
  const stopped = await stop(trx, clock, { certificate: fingerprint }, 'certificate_revoked')
  const { recipient, address } = owner
  const type = 'certificate.revoked'
  await appendEvents(trx, clock, [
    { actor, event: { type, recipient, certificate: fingerprint, reason, means, stopped } },
  ])
  const fields = { fingerprint, reason }
  await queueNotice(trx, clock, sender, { kind: 'revoked', to: { recipient, address }, fields })
  return { outcome: 'revoked', stopped }
}
