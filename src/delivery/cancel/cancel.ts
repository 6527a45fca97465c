import type { Knex } from 'knex'
import { type AuditEntry, appendEvents } from '../../audit/index.ts'
import {
  type ApplicationId,
  type Clock,
  type DeliveryId,
  type MessageId,
  SealpostError,
} from '../../kernel/index.ts'
import { purged } from '../purged.ts'
import { cancelOne, cancelUnlocked, findWaiting, wasCancelled } from './store.ts'

/**
 * Ends, for its application, every delivery of a message that is queued or in quarantine, as `cancelled_by_application`: with its
 * event and without its ciphertext, in one transaction. Each delivery is either ended here or begun by a courier, never
 * both: the row decides, and what a courier has begun is left to it. When this resolves, nothing of the message waits any more;
 * what a courier was sending at the time can come to wait again. Cancelling twice does no harm.
 *
 * Throws `nothing_to_cancel` when nothing waited and nothing was cancelled before.
 */
export async function cancelDeliveries(
  knex: Knex,
  clock: Clock,
  application: ApplicationId,
  message: MessageId,
): Promise<void> {
  const entries = (id: DeliveryId): readonly AuditEntry[] => [
    {
      actor: { kind: 'application', id: application },
      event: { type: 'delivery.cancelled', delivery: id, outcome: 'cancelled_by_application' },
    },
    purged(id),
  ]
  const cancelled = await knex.transaction(async trx => {
    const ids = await cancelUnlocked(trx, message, clock.now())
    await appendEvents(trx, clock, ids.flatMap(entries))
    return ids.length
  })
  // A crash here leaves those that a courier had locked as they are; the application hears nothing, and asks again.
  // One after the other: who waits for a courier's lock while holding another one can have the courier wait for it.
  let late = 0
  for (const id of await findWaiting(knex, message)) {
    late += await knex.transaction(async trx => {
      if (!(await cancelOne(trx, id, clock.now()))) return 0
      await appendEvents(trx, clock, entries(id))
      return 1
    })
  }
  if (cancelled + late === 0 && !(await wasCancelled(knex, message)))
    throw new SealpostError('nothing_to_cancel')
}
