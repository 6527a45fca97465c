import type { Knex } from 'knex'
import { voidChangeRequests } from '../../access/index.ts'
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
  | 'certificate_not_allowed'

/**
 * Ends an open proposal of a locked recipient, and with it the request to approve it. Before anything that refers to an
 * operator is written: `voidChangeRequests` says why.
 */
export async function dropProposal(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  proposal: ProposalRow,
  reason: DropReason,
): Promise<void> {
  const { recipient, id } = proposal
  await moveProposal(trx, proposal, 'dropped', { dropped_at: clock.now(), dropped_for: reason })
  await voidChangeRequests(trx, clock, actor, [id], reason)
  await appendEvents(trx, clock, [
    { actor, event: { type: 'proposal.dropped', recipient, proposal: id, reason } },
  ])
}
