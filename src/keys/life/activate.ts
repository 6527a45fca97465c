import type { Knex } from 'knex'
import { type Actor, type AuditEntry, appendEvents } from '../../audit/index.ts'
import { type Clock, type ProposalId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { Format } from '../../sealer/host/index.ts'
import type { StopDeliveries } from './stop.ts'
import { insertCertificate, retireActive } from './store.ts'

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
 * Makes the proposed certificate the active one of its recipient. The one before it is retired: what was accepted for
 * it may go out until `overlapUntil`, and is stopped now when that is over already. One transaction, the caller's; the
 * proposal has to be `approved` in it still (the database looks, too). Throws `certificate_in_use` when the certificate
 * is, or ever was, anybody's: a revocation is never undone by enrolling the key again.
 */
export async function activateCertificate(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  stop: StopDeliveries,
  proposal: ApprovedProposal,
  overlapUntil: Date,
): Promise<void> {
  const { recipient, fingerprint } = proposal
  const now = clock.now()
  const events: AuditEntry[] = []
  const retired = await retireActive(trx, recipient, now, overlapUntil)
  for (const certificate of retired) {
    const finishUntil = overlapUntil.toISOString()
    events.push({ actor, event: { type: 'certificate.retired', recipient, certificate, finishUntil } })
    if (overlapUntil <= now) await stop(trx, clock, { certificate }, 'certificate_retired')
  }
  if (!(await insertCertificate(trx, proposal, now))) throw new SealpostError('certificate_in_use')
  events.push({
    actor,
    event: { type: 'certificate.activated', recipient, certificate: fingerprint, proposal: proposal.id },
  })
  await appendEvents(trx, clock, events)
}
