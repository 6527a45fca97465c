import type { Knex } from 'knex'
import { type Actor, type AuditEntry, appendEvents } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { activateCertificate } from '../../keys/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import type { Parts } from '../dependencies.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Recipient } from '../recipient.ts'
import { attestedUntil } from '../standing/attestations.ts'
import { assertStep } from '../standing/locked.ts'
import { activeCertificateOf, attestationsOf, setAttestedUntil, setState } from '../standing/store.ts'
import { dropNotAllowed, type Judgement, judgeAnew, recordLater, stillHolds } from './allowed.ts'
import { type DropReason, dropProposal } from './drop.ts'
import { dueProposals, materialOf, moveProposal, type ProposalRow } from './store.ts'
import { lockedProposal } from './verify.ts'

const itself: Actor = { kind: 'gateway' }
const day = 86_400_000

/**
 * The last step, in one transaction: the certificate before is retired, this one is active, and whoever was only invited is a
 * recipient. `judgement` allows the certificate and was found to hold in this transaction. Throws `state_conflict` or
 * `certificate_in_use`, and then all is as it was.
 */
export async function activateApproved(
  parts: Parts,
  trx: Knex.Transaction,
  actor: Actor,
  recipient: Recipient,
  proposal: ProposalRow,
  judgement: Judgement,
): Promise<void> {
  const { clock, stop, tell } = parts
  const now = clock.now()
  assertStep('activate', recipient, proposal)
  const former = await activeCertificateOf(trx, recipient.id)
  if (proposal.changeRequest === null && proposal.certifiedBy !== former?.fingerprint)
    throw new SealpostError('state_conflict', { detail: 'certifier_gone' })
  const overlapUntil = new Date(now.getTime() + lifecycleOf(judgement.policy).overlapDays * day)
  const { id, fingerprint, encryptionSubkey, algorithm, format, expiresAt } = proposal
  const certificate = { fingerprint, encryptionSubkey, algorithm, format, expiresAt }
  const approved = { id, recipient: recipient.id, ...certificate, ...(await materialOf(trx, id)) }
  await activateCertificate(trx, clock, actor, stop, approved, overlapUntil)
  await recordLater(trx, judgement)
  await moveProposal(trx, proposal, 'activated', { activated_at: now })
  if (recipient.state === 'invited') await admit(parts, trx, actor, recipient, fingerprint)
  if (former === undefined) await tell.recipient(trx, recipient, 'activated', { fingerprint })
  else {
    const change = { oldFingerprint: former.fingerprint, fingerprint }
    await tell.recipient(trx, recipient, 'certificate_changed', change)
  }
  const report = former === undefined ? 'certificate_activated' : 'certificate_changed'
  await tell.admins(trx, recipient.address, report, fingerprint)
}

/** With the first certificate, what was given at the invitation counts: its approver saw it. */
async function admit(
  { clock }: Parts,
  trx: Knex.Transaction,
  actor: Actor,
  { id, kind }: Recipient,
  certificate: string,
): Promise<void> {
  await setState(trx, id, 'active', null)
  await setAttestedUntil(trx, id, attestedUntil(kind, await attestationsOf(trx, id)))
  const event: AuditEntry = { actor, event: { type: 'recipient.activated', recipient: id, certificate } }
  await appendEvents(trx, clock, [event])
}

export function openActivating(parts: Parts): Pick<Enrolment, 'activateDue'> {
  const { knex } = parts
  return {
    async activateDue(now) {
      let activated = 0
      let failure: unknown
      for (const due of await dueProposals(knex, now)) {
        // A crash here leaves the rest approved and due, for the next call.
        try {
          if (await activateOne(parts, due, now)) activated++
        } catch (error) {
          // One that fails holds up nobody else.
          failure = error
        }
      }
      if (failure !== undefined) throw failure as Error
      return activated
    },
  }
}

/** Whether it was activated; what cannot be any more is dropped, so that the recipient can propose anew. */
async function activateOne(parts: Parts, due: ProposalRow, now: Date): Promise<boolean> {
  const { knex, clock } = parts
  const judgement = await judgeAnew(parts, due)
  // A crash here leaves it approved and due.
  try {
    return await knex.transaction(async trx => {
      const { recipient, proposal } = await lockedProposal(trx, due.id)
      // Somebody stopped it, or another replica was first.
      if (proposal.state !== 'approved' || proposal.activatesAt === null || proposal.activatesAt > now)
        return false
      if (proposal.expiresAt !== null && proposal.expiresAt <= clock.now()) {
        await dropProposal(trx, clock, itself, proposal, 'expired')
        return false
      }
      // Another policy by now: it stays due, and is judged under that one the next time.
      if (!(await stillHolds(parts, trx, judgement))) return false
      if (judgement.reasons.length > 0) {
        await dropNotAllowed(parts, trx, recipient, proposal, judgement)
        return false
      }
      await activateApproved(parts, trx, itself, recipient, proposal, judgement)
      return true
    })
  } catch (error) {
    const reason = dropReasonOf(error)
    if (reason === undefined) throw error
    await knex.transaction(async trx => {
      const { proposal } = await lockedProposal(trx, due.id)
      if (proposal.state === 'approved') await dropProposal(trx, clock, itself, proposal, reason)
    })
    return false
  }
}

function dropReasonOf(error: unknown): DropReason | undefined {
  if (!(error instanceof SealpostError)) return undefined
  if (error.code === 'certificate_in_use') return 'certificate_in_use'
  return error.code === 'state_conflict' ? 'certifier_gone' : undefined
}
