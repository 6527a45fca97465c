import type { Knex } from 'knex'
import type { ChangeRequestOf, StagedChange } from '../../access/index.ts'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type ChangeRequestId, SealpostError } from '../../kernel/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import { actorOf, type Parts } from '../dependencies.ts'
import { isOpen } from '../enrolment.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Recipient } from '../recipient.ts'
import { assertStep } from '../standing/locked.ts'
import { isEnrollable } from '../standing/store.ts'
import { activateApproved } from './activate.ts'
import { dropNotAllowed, type Judgement, judgeAnew, stillHolds } from './allowed.ts'
import { dropProposal } from './drop.ts'
import { findProposal, moveProposal, type ProposalRow } from './store.ts'
import { lockedProposal } from './verify.ts'

const hour = 3_600_000

/**
 * Approving a proposal. The certificate has to be allowed by the policy that is in force then, not only by the one that it
 * was proposed under: it is judged again before the transaction, and what it was judged under is looked at in it.
 */
export function openApproving(parts: Parts): Pick<Enrolment, 'applyActivation'> {
  const { knex } = parts
  return {
    applyActivation: {
      lock: (trx, { subject }) => lockedProposal(trx, subject),

      async prepare(change) {
        const proposal = await findProposal(knex, change.subject)
        if (proposal === undefined) throw new SealpostError('not_found')
        if (!isOpen(proposal.state)) throw conflict('settled')
        // It was free when it was proposed; once it is somebody's, it stays so.
        if (!(await isEnrollable(knex, proposal.recipient, proposal))) return refuseInUse(parts, proposal)
        const judgement = await judgeAnew(parts, proposal)
        if (judgement.reasons.length > 0) return refuseNotAllowed(parts, proposal, judgement)
        // A crash here leaves everything as it was.
        return approving(parts, judgement)
      },
    },
  }
}

function approving(
  parts: Parts,
  judgement: Judgement,
): Awaited<ReturnType<StagedChange<'recipient.activate'>['prepare']>> {
  const { clock } = parts
  return async (trx, change, approver) => {
    const { recipient, proposal } = await lockedProposal(trx, change.subject)
    assertAsked(change, proposal)
    if (approver.id === proposal.verifiedBy) throw new SealpostError('own_request')
    assertStep('approve', recipient, proposal)
    if (proposal.expiresAt !== null && proposal.expiresAt <= clock.now()) throw conflict('expired')
    if (!(await stillHolds(parts, trx, judgement))) throw conflict('policy changed')
    await settleApproved(parts, trx, actorOf(approver), recipient, proposal, change.id, judgement)
  }
}

/** What the policy in force refuses is not approved, nor would it ever be: the recipient has to propose another. */
async function refuseNotAllowed(parts: Parts, { id }: ProposalRow, judgement: Judgement): Promise<never> {
  await parts.knex.transaction(async trx => {
    const { recipient, proposal } = await lockedProposal(trx, id)
    assertStep('drop', recipient, proposal)
    if (!(await stillHolds(parts, trx, judgement))) throw conflict('policy changed')
    await dropNotAllowed(parts, trx, recipient, proposal, judgement)
  })
  throw new SealpostError('certificate_refused', {
    errors: judgement.reasons.map(code => ({ pointer: '/certificate', code })),
  })
}

async function refuseInUse({ knex, clock }: Parts, { id }: ProposalRow): Promise<never> {
  await knex.transaction(async trx => {
    const { recipient, proposal } = await lockedProposal(trx, id)
    assertStep('drop', recipient, proposal)
    await dropProposal(trx, clock, { kind: 'gateway' }, proposal, 'certificate_in_use')
  })
  throw new SealpostError('certificate_in_use')
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
  judgement: Judgement,
): Promise<void> {
  const { clock, tell } = parts
  const { coolingOffHours } = lifecycleOf(judgement.policy)
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
        ...(judgement.record === undefined ? {} : { policy: judgement.record }),
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
  if (hours === 0) return activateApproved(parts, trx, actor, recipient, approved, judgement)
  const { fingerprint } = proposal
  await tell.recipient(trx, recipient, 'replacement_approved', { fingerprint, activatesAt })
}

function conflict(detail: string): SealpostError {
  return new SealpostError('state_conflict', { detail })
}
