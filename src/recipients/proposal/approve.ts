import type { Knex } from 'knex'
import type { ChangeRequestOf } from '../../access/index.ts'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type ChangeRequestId, SealpostError } from '../../kernel/index.ts'
import { lifecycleOf, type Policy } from '../../policy/index.ts'
import { actorOf, type Parts } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Recipient } from '../recipient.ts'
import { assertStep } from '../standing/locked.ts'
import { activateApproved } from './activate.ts'
import { moveProposal, type ProposalRow } from './store.ts'
import { lockedProposal } from './verify.ts'

const hour = 3_600_000

export function openApproving(parts: Parts): Pick<Enrolment, 'applyActivation'> {
  const { clock, policy } = parts
  return {
    async applyActivation(trx, change, approver) {
      const { recipient, proposal } = await lockedProposal(trx, change.subject)
      assertAsked(change, proposal)
      if (approver.id === proposal.verifiedBy) throw new SealpostError('own_request')
      assertStep('approve', recipient, proposal)
      if (proposal.expiresAt !== null && proposal.expiresAt <= clock.now()) throw conflict('expired')
      const inForce = await policy(trx)
      await settleApproved(parts, trx, actorOf(approver), recipient, proposal, change.id, inForce)
    },
  }
}

/** The approval is for what the request named, and for nothing that took its place. */
function assertAsked(
  { id, body }: ChangeRequestOf<'recipient.activate'>,
  { changeRequest, recipient, fingerprint }: ProposalRow,
): void {
  if (changeRequest !== id || body.recipient !== recipient || body.certificate !== fingerprint)
    throw conflict('another request')
}

/** Approved: active at once, or when the cooling-off that the policy asks for is over. */
export async function settleApproved(
  parts: Parts,
  trx: Knex.Transaction,
  actor: Actor,
  recipient: Recipient,
  proposal: ProposalRow,
  change: ChangeRequestId | null,
  policy: Policy,
): Promise<void> {
  const { clock, tell } = parts
  const { coolingOffHours } = lifecycleOf(policy)
  const at = clock.now()
  const hours = recipient.state === 'invited' ? coolingOffHours.first : coolingOffHours.replacement
  const activatesAt = new Date(at.getTime() + hours * hour)
  await moveProposal(trx, proposal, 'approved', { approved_at: at, activates_at: activatesAt })
  await appendEvents(trx, clock, [
    {
      actor,
      event: {
        type: 'proposal.approved',
        recipient: recipient.id,
        proposal: proposal.id,
        change,
        activatesAt: activatesAt.toISOString(),
      },
    },
  ])
  const approved: ProposalRow = {
    ...proposal,
    state: 'approved',
    changeRequest: change,
    approvedAt: at,
    activatesAt,
  }
  if (hours === 0) return activateApproved(parts, trx, actor, recipient, approved, policy)
  const { fingerprint } = proposal
  await tell.recipient(trx, recipient, 'replacement_approved', { fingerprint, activatesAt })
}

function conflict(detail: string): SealpostError {
  return new SealpostError('state_conflict', { detail })
}
