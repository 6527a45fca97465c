import {
  type ApplyChange,
  askForChange,
  type Change,
  type ChangeRequest,
  type Operator,
  requireRole,
  type StagedChange,
} from '../../access/index.ts'
import { appendEvents } from '../../audit/index.ts'
import { newId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import { actorOf, type Parts } from '../dependencies.ts'
import { assertAttestations } from '../invite/check.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Attestation, Recipient } from '../recipient.ts'
import { attestationEvents, attestedUntil } from './attestations.ts'
import { assertStep, locked } from './locked.ts'
import { attestationsOf, insertAttestations, setAttestedUntil, setState } from './store.ts'

/** Towards more: one person asks, another approves. */
export function openAsking(
  parts: Parts,
): Pick<Enrolment, 'askReinstate' | 'applyReinstate' | 'askAttest' | 'applyAttest'> {
  const { clock, tell } = parts
  return {
    async askReinstate(operator, id) {
      requireRole(operator, 'admin')
      const change: Change = { kind: 'recipient.reinstate', subject: id, body: {} }
      return ask(parts, operator, id, change, recipient => assertReinstatable(recipient, clock.now()))
    },

    applyReinstate: ofRecipient(async (trx, change, approver) => {
      const recipient = await locked(trx, change.subject)
      assertReinstatable(recipient, clock.now())
      const { id } = recipient
      await setState(trx, id, 'active', null)
      await appendEvents(trx, clock, [
        {
          actor: actorOf(approver),
          event: { type: 'recipient.reinstated', recipient: id, change: change.id },
        },
      ])
      await tell.recipient(trx, recipient, 'reinstated', {})
    }),

    async askAttest(operator, id, attestations) {
      requireRole(operator, 'admin')
      assertAttestations(attestations, clock.now())
      const body = {
        attestations: attestations.map(({ kind, reference, validUntil }) => ({
          kind,
          reference,
          validUntil: validUntil.toISOString(),
        })),
      }
      return ask(parts, operator, id, { kind: 'recipient.attest', subject: id, body }, assertEnrolled)
    },

    applyAttest: ofRecipient(async (trx, change, approver) => {
      const recipient = await locked(trx, change.subject)
      assertEnrolled(recipient)
      const recordedAt = clock.now()
      const given = change.body.attestations.map(
        ({ kind, reference, validUntil }): Attestation => ({
          id: newId('att', clock),
          kind,
          reference,
          validUntil: new Date(validUntil),
          recordedBy: change.askedBy,
          recordedAt,
        }),
      )
      if (given.some(({ validUntil }) => validUntil <= recordedAt))
        throw new SealpostError('state_conflict', { detail: 'expired' })
      await insertAttestations(trx, recipient.id, given)
      // Of somebody who was never approved, nothing counts yet.
      if (recipient.state !== 'invited') {
        const all = await attestationsOf(trx, recipient.id)
        await setAttestedUntil(trx, recipient.id, attestedUntil(recipient.kind, all))
      }
      await appendEvents(trx, clock, attestationEvents(actorOf(approver), recipient.id, given))
    }),
  }
}

/** With the lock on the recipient: whoever unenrols them ends what was asked before, and after it nothing is asked. */
function ask(
  { knex, clock, tell }: Parts,
  operator: Operator,
  id: RecipientId,
  change: Change,
  assertFits: (recipient: Recipient) => void,
): Promise<ChangeRequest> {
  return knex.transaction(async trx => {
    const recipient = await locked(trx, id)
    assertFits(recipient)
    const asked = await askForChange(trx, clock, operator, change)
    await tell.approvers(trx, operator, recipient.address, asked)
    return asked
  })
}

function ofRecipient<Kind extends 'recipient.reinstate' | 'recipient.attest'>(
  apply: ApplyChange<Kind>,
): StagedChange<Kind> {
  return { lock: (trx, { subject }) => locked(trx, subject), prepare: () => Promise.resolve(apply) }
}

function assertEnrolled({ state }: Recipient): void {
  if (state === 'unenrolled') throw new SealpostError('state_conflict', { detail: 'unenrolled' })
}

/** Who lacks an attestation would be suspended again at once. */
function assertReinstatable(recipient: Recipient, at: Date): void {
  assertStep('reinstate', recipient, undefined)
  if (recipient.attestedUntil === null || recipient.attestedUntil <= at)
    throw new SealpostError('state_conflict', { detail: 'attestation' })
}
