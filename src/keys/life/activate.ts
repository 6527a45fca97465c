import type { Knex } from 'knex'
import { type Actor, type AuditEntry, appendEvents } from '../../audit/index.ts'
import { type Clock, type ProposalId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { StopDeliveries } from './stop.ts'
import { insertCertificate, lockPrimaryKey, retireActive, type UnderPrimaryKey } from './store.ts'

/** A certificate whose proposal was approved; `recipients` owns the proposal and moves it on. */
export interface ApprovedProposal {
  readonly id: ProposalId
  readonly recipient: RecipientId
  /** Upper-case hex, as is the subkey's. */
  readonly fingerprint: string
  readonly bytes: Uint8Array
  readonly encryptionSubkey: string
  readonly algorithm: string
  readonly format: Format
  /** Unsigned big-endian, of the primary key and the pinned subkey. */
  readonly rsaModuli: readonly Uint8Array[]
  readonly expiresAt: Date | null
}

/**
 * Makes the proposed certificate the active one of its recipient. The one before it, which may be of the same primary key
 * with another encryption subkey, is retired: what was accepted for it may go out until `overlapUntil`, and is stopped now
 * when that is over already. One transaction, the caller's; the proposal has to be `approved` in it still (the database
 * looks, too). Throws `certificate_in_use` when this primary key with this encryption subkey is, or ever was, in use, and
 * when the primary key is somebody else's or was revoked: a revocation is never undone by enrolling the key again.
 */
export async function activateCertificate(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  stop: StopDeliveries,
  proposal: ApprovedProposal,
  overlapUntil: Date,
): Promise<void> {
  const { recipient, fingerprint, encryptionSubkey } = proposal
  const now = clock.now()
  const before = await lockPrimaryKey(trx, fingerprint)
  if (!before.every(known => leavesRoom(known, proposal))) throw new SealpostError('certificate_in_use')
  const events: AuditEntry[] = []
  const retired = await retireActive(trx, recipient, now, overlapUntil)
  for (const old of retired) {
    const name = { certificate: old.fingerprint, encryptionSubkey: old.encryptionSubkey }
    const finishUntil = overlapUntil.toISOString()
    events.push({ actor, event: { type: 'certificate.retired', recipient, ...name, finishUntil } })
    if (overlapUntil <= now) await stop(trx, clock, name, 'certificate_retired')
  }
  if (!(await insertCertificate(trx, proposal, now))) throw new SealpostError('certificate_in_use')
  events.push({
    actor,
    event: {
      type: 'certificate.activated',
      recipient,
      certificate: fingerprint,
      encryptionSubkey,
      proposal: proposal.id,
    },
  })
  await appendEvents(trx, clock, events)
}

/** Whether a certificate under the same primary key lets this one be enrolled beside it. */
export function leavesRoom(
  known: UnderPrimaryKey,
  proposed: { readonly recipient: RecipientId; readonly encryptionSubkey: string },
): boolean {
  return (
    known.recipient === proposed.recipient &&
    known.state !== 'revoked' &&
    known.encryptionSubkey !== proposed.encryptionSubkey
  )
}
