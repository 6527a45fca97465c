import type { Knex } from 'knex'
import { askForChange, requireRole } from '../../access/index.ts'
import { appendEvents } from '../../audit/index.ts'
import { isId, type ProposalId, SealpostError } from '../../kernel/index.ts'
import { actorOf, type Parts } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import { type Recipient, verificationMeans } from '../recipient.ts'
import { assertStep, lockedWithProposal } from '../standing/locked.ts'
import { dropProposal } from './drop.ts'
import { findProposal, moveProposal, type ProposalRow } from './store.ts'

export function openVerifying(parts: Parts): Pick<Enrolment, 'verifyFingerprint' | 'reject'> {
  const { knex, clock, tell } = parts
  return {
    async verifyFingerprint(operator, id, means) {
      requireRole(operator, 'admin')
      if (!verificationMeans.includes(means))
        throw new SealpostError('invalid_request', { errors: [{ pointer: '/means', code: 'unknown_value' }] })
      return knex.transaction(async trx => {
        const { recipient, proposal } = await lockedProposal(trx, id)
        // Verified before, and its request was rejected, withdrawn or expired: it may be asked for anew, or `askForChange` throws.
        if (proposal.state !== 'verified') assertStep('verify', recipient, proposal)
        const certificate = proposal.fingerprint
        const change = await askForChange(trx, clock, operator, {
          kind: 'recipient.activate',
          subject: id,
          body: { recipient: recipient.id, certificate },
        })
        await moveProposal(trx, proposal, 'verified', {
          verified_by: operator.id,
          verified_means: means,
          verified_at: clock.now(),
          change_request: change.id,
        })
        await appendEvents(trx, clock, [
          {
            actor: actorOf(operator),
            event: {
              type: 'fingerprint.verified',
              recipient: recipient.id,
              proposal: id,
              certificate,
              means,
            },
          },
        ])
        await tell.approvers(trx, operator, recipient.address, change)
        return change
      })
    },

    async reject(operator, id) {
      requireRole(operator, 'admin', 'approver')
      await knex.transaction(async trx => {
        const { recipient, proposal } = await lockedProposal(trx, id)
        assertStep('drop', recipient, proposal)
        await dropProposal(trx, clock, actorOf(operator), proposal, 'rejected')
      })
    },
  }
}

/** Throws `not_found`. */
export async function lockedProposal(
  trx: Knex.Transaction,
  id: ProposalId,
): Promise<{ recipient: Recipient; proposal: ProposalRow }> {
  const found = isId('prp', id) ? await findProposal(trx, id) : undefined
  if (found === undefined) throw new SealpostError('not_found')
  const { recipient } = await lockedWithProposal(trx, found.recipient)
  // Read again: what was read before the lock may be old.
  const proposal = await findProposal(trx, id)
  if (proposal === undefined) throw new SealpostError('not_found')
  return { recipient, proposal }
}
