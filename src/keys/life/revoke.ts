import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { Clock, RecipientId } from '../../kernel/index.ts'
import { type NoticeSender, queueNotice } from '../../notices/index.ts'
import type { StopDeliveries } from './stop.ts'
import { type CertificateName, endOverlap, lockPrimaryKey, markRevoked } from './store.ts'

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
 * Revokes a primary key, for good and with every encryption subkey that was ever enrolled under it: stops what is queued for
 * any of them and writes the audit event, all in the caller's transaction, with a notice to the recipient. What a courier
 * holds between connect and MAIL FROM falls to its last check. A second revocation changes nothing, not even the reason.
 * A certificate that is only proposed is unknown here.
 */
export async function revokeCertificate(
  trx: Knex.Transaction,
  clock: Clock,
  { actor, means, reason, fingerprint, stop, sender }: RevocationOrder,
): Promise<Revocation> {
  const known = await lockPrimaryKey(trx, fingerprint)
  if (known.length === 0) return { outcome: 'unknown_certificate', stopped: 0 }
  const owner = await markRevoked(trx, fingerprint, reason, clock.now())
  if (owner === undefined) return { outcome: 'already_revoked', stopped: 0 }
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

/**
 * Takes a revocation of an encryption subkey that was replaced by another one of the same primary key: what was accepted
 * for it goes out no more, and nothing else changes. In the caller's transaction; gives how many deliveries were stopped.
 */
export async function endRevokedSubkey(
  trx: Knex.Transaction,
  clock: Clock,
  { actor, stop }: Pick<RevocationOrder, 'actor' | 'stop'>,
  recipient: RecipientId,
  name: CertificateName,
): Promise<number> {
  const now = clock.now()
  if (!(await endOverlap(trx, name, now))) return 0
  const which = { certificate: name.fingerprint, encryptionSubkey: name.encryptionSubkey }
  const finishUntil = now.toISOString()
  await appendEvents(trx, clock, [
    { actor, event: { type: 'certificate.retired', recipient, ...which, finishUntil } },
  ])
  return stop(trx, clock, which, 'certificate_revoked')
}
