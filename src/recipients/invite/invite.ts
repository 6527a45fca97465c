import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import { newId, SealpostError } from '../../kernel/index.ts'
import { withdrawNotices } from '../../notices/index.ts'
import { isUniqueViolation } from '../../platform/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import { type Acting, actorOf, type Parts, requireAdmin } from '../dependencies.ts'
import { endLinks } from '../link/links.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Attestation, Invitation, Recipient } from '../recipient.ts'
import { attestationEvents } from '../standing/attestations.ts'
import { locked } from '../standing/locked.ts'
import { insertAttestations, insertRecipient } from '../standing/store.ts'
import { assertInvitation } from './check.ts'

export function openInvitations(parts: Parts): Pick<Enrolment, 'invite' | 'renewLink'> {
  const { knex, clock, policy } = parts
  return {
    async invite(by, invitation) {
      requireAdmin(by)
      assertInvitation(invitation, clock.now())
      const { invitationDays } = lifecycleOf(await policy(knex))
      return inviteOne(parts, by, invitation, invitationDays)
    },

    async renewLink(by, id) {
      requireAdmin(by)
      const { invitationDays } = lifecycleOf(await policy(knex))
      await knex.transaction(async trx => {
        const recipient = await locked(trx, id)
        if (recipient.state === 'unenrolled') throw new SealpostError('state_conflict')
        await endLinks(trx, id)
        // Mails that still wait hold links that were just ended.
        await withdrawNotices(trx, clock, id)
        await mailLink(parts, trx, recipient, invitationDays)
        await appendEvents(trx, clock, [
          { actor: actorOf(by), event: { type: 'enrolment.link.renewed', recipient: id } },
        ])
      })
    },
  }
}

/** One checked invitation in one transaction: recipient, attestations, link, mail, events. Throws `name_taken`. */
export async function inviteOne(
  parts: Parts,
  by: Acting,
  { address, organisation, kind, phone, retentionDays, attestations = [] }: Invitation,
  invitationDays: number,
): Promise<Recipient> {
  const { knex, clock } = parts
  const recordedBy = typeof by === 'object' ? by.id : null
  const createdAt = clock.now()
  const recipient: Recipient = {
    id: newId('rcp', clock),
    address,
    organisation,
    kind,
    state: 'invited',
    phone,
    retentionDays,
    attestedUntil: null,
    suspendedFor: null,
    createdAt,
  }
  const given: readonly Attestation[] = attestations.map(attestation => ({
    ...attestation,
    id: newId('att', clock),
    recordedBy,
    recordedAt: createdAt,
  }))
  try {
    await knex.transaction(async trx => {
      await insertRecipient(trx, recipient, recordedBy)
      await insertAttestations(trx, recipient.id, given)
      await mailLink(parts, trx, recipient, invitationDays)
      await appendEvents(trx, clock, [
        { actor: actorOf(by), event: { type: 'recipient.invited', recipient: recipient.id, kind, address } },
        ...attestationEvents(actorOf(by), recipient.id, given),
      ])
    })
  } catch (error) {
    if (isUniqueViolation(error, 'recipients_address')) throw new SealpostError('name_taken')
    throw error
  }
  return recipient
}

async function mailLink(
  { links, tell }: Pick<Parts, 'links' | 'tell'>,
  trx: Knex.Transaction,
  recipient: Recipient,
  days: number,
): Promise<void> {
  const link = links.enrol(recipient.id, days)
  await link.store(trx)
  const { organisation } = recipient
  const fields = { organisation, until: link.expiresAt, enrolToken: link.token }
  await tell.recipient(trx, recipient, 'invitation', fields)
}
