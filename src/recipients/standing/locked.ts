import type { Knex } from 'knex'
import { isId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import { next, type Step } from '../enrolment.ts'
import { openProposalOf, type ProposalRow } from '../proposal/store.ts'
import type { Recipient } from '../recipient.ts'
import { lockRecipient } from './store.ts'

/** The recipient, whom nobody else moves until this transaction ends. Throws `not_found`. */
export async function locked(trx: Knex.Transaction, id: RecipientId): Promise<Recipient> {
  const recipient = isId('rcp', id) ? await lockRecipient(trx, id) : undefined
  if (recipient === undefined) throw new SealpostError('not_found')
  return recipient
}

/** The recipient, locked, and the proposal under way, if there is one. Throws `not_found`. */
export async function lockedWithProposal(
  trx: Knex.Transaction,
  id: RecipientId,
): Promise<{ recipient: Recipient; open: ProposalRow | undefined }> {
  const recipient = await locked(trx, id)
  return { recipient, open: await openProposalOf(trx, recipient.id) }
}

/** Throws `state_conflict` unless the machine has this step from here. */
export function assertStep(step: Step, recipient: Recipient, proposal: ProposalRow | undefined): void {
  next({ recipient: recipient.state, proposal: proposal?.state ?? null }, step)
}
