import type { Knex } from 'knex'
import { voidChangeRequests } from '../../access/index.ts'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { retireAll } from '../../keys/index.ts'
import { type SuspensionReason, withdrawNotices } from '../../notices/index.ts'
import { actorOf, type Parts, requireAdmin } from '../dependencies.ts'
import { endLinks } from '../link/links.ts'
import type { Enrolment } from '../open-enrolment.ts'
import { dropProposal } from '../proposal/drop.ts'
import { type Recipient, suspensionReasons } from '../recipient.ts'
import { assertStep, locked, lockedWithProposal } from './locked.ts'
import { setState } from './store.ts'

/** Towards less: at once, and by one person. */
export function openEnding(parts: Parts): Pick<Enrolment, 'suspend' | 'unenrol'> {
  const { knex, clock, stop, tell } = parts
  return {
    async suspend(by, id, reason) {
      requireAdmin(by)
      if (!suspensionReasons.includes(reason))
        throw new SealpostError('invalid_request', {
          errors: [{ pointer: '/reason', code: 'unknown_value' }],
        })
      await knex.transaction(async trx =>
        suspendLocked(parts, trx, actorOf(by), await locked(trx, id), reason),
      )
    },

    async unenrol(by, id) {
      requireAdmin(by)
      const actor = actorOf(by)
      await knex.transaction(async trx => {
        const { recipient, open } = await lockedWithProposal(trx, id)
        assertStep('unenrol', recipient, open)
        const subjects = open === undefined ? [id] : [id, open.id]
        await voidChangeRequests(trx, clock, actor, subjects, 'unenrolled')
        if (open !== undefined) await dropProposal(trx, clock, actor, open, 'unenrolled')
        await setState(trx, id, 'unenrolled', null)
        await retireAll(trx, clock, actor, id, stop, 'recipient_not_active')
        await endLinks(trx, id)
        await withdrawNotices(trx, clock, id)
        await appendEvents(trx, clock, [{ actor, event: { type: 'recipient.unenrolled', recipient: id } }])
        await tell.unenrolled(trx, recipient)
        await tell.admins(trx, recipient.address, 'recipient_unenrolled', null)
      })
    },
  }
}

/** Suspends a locked recipient: what waits for them is stopped, for it was accepted under what no longer holds. */
export async function suspendLocked(
  { clock, stop, tell }: Pick<Parts, 'clock' | 'stop' | 'tell'>,
  trx: Knex.Transaction,
  actor: Actor,
  recipient: Recipient,
  reason: SuspensionReason,
): Promise<void> {
  assertStep('suspend', recipient, undefined)
  const { id, address } = recipient
  await setState(trx, id, 'suspended', reason)
  await stop(trx, clock, { recipient: id }, 'recipient_not_active')
  await appendEvents(trx, clock, [{ actor, event: { type: 'recipient.suspended', recipient: id, reason } }])
  await tell.recipient(trx, recipient, 'suspended', { reason })
  await tell.admins(trx, address, 'recipient_suspended', null)
}
