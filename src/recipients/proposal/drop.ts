import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { moveProposal, type ProposalRow } from './store.ts'

/** Why a proposal ended without being activated. */
export type DropReason =
  | 'replaced'
  | 'rejected'
  | 'stopped'
  | 'unenrolled'
  | 'expired'
  | 'certificate_in_use'
  | 'certifier_gone'

/** Ends an open proposal of a locked recipient. */
export async function dropProposal(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  proposal: ProposalRow,
  reason: DropReason,
): Promise<void> {
  await moveProposal(trx, proposal, 'dropped', { dropped_at: clock.now(), dropped_for: reason })
  const { recipient, id } = proposal
  await appendEvents(trx, clock, [
    { actor, event: { type: 'proposal.dropped', recipient, proposal: id, reason } },
  ])
}
