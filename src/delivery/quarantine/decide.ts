import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type Clock, type DeliveryId, type OperatorId, SealpostError } from '../../kernel/index.ts'
import { insertJobs, type Queue } from '../enqueue.ts'
import { purged } from '../purged.ts'
import { cancel, lockDelivery, requeue } from './store.ts'

/**
 * Sends a quarantined delivery on its way again, at once, with its event. `operator`: who decided; undefined: somebody
 * with the command line of the host. Throws `not_found`; `state_conflict` when it is not in quarantine.
 */
export async function releaseDelivery(
  knex: Knex,
  clock: Clock,
  queue: Pick<Queue, 'insert'>,
  operator: OperatorId | undefined,
  id: DeliveryId,
): Promise<void> {
  await knex.transaction(async trx => {
    const { address, outcome } = await lockQuarantined(trx, id)
    await requeue(trx, id, operator, clock.now())
    await insertJobs(trx, queue, [{ id, address, delayMs: 0 }])
    const event = { type: 'delivery.released', delivery: id, outcome } as const
    await appendEvents(trx, clock, [{ actor: actorOf(operator), event }])
  })
}

/** Ends a quarantined delivery as failed, with its event; its ciphertext is gone then. Throws as {@link releaseDelivery}. */
export async function cancelDelivery(
  knex: Knex,
  clock: Clock,
  operator: OperatorId | undefined,
  id: DeliveryId,
): Promise<void> {
  await knex.transaction(async trx => {
    await lockQuarantined(trx, id)
    await cancel(trx, id, clock.now())
    const event = { type: 'delivery.cancelled', delivery: id, outcome: 'cancelled' } as const
    await appendEvents(trx, clock, [{ actor: actorOf(operator), event }, purged(id)])
  })
}

async function lockQuarantined(trx: Knex.Transaction, id: DeliveryId) {
  const found = await lockDelivery(trx, id)
  if (found === undefined) throw new SealpostError('not_found')
  if (found.state !== 'quarantined') throw new SealpostError('state_conflict')
  return found
}

function actorOf(operator: OperatorId | undefined): Actor {
  return operator === undefined ? { kind: 'host' } : { kind: 'operator', id: operator }
}
