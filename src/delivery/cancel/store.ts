import type { Knex } from 'knex'
import type { DeliveryId, MessageId } from '../../kernel/index.ts'

const waiting = `state IN ('queued', 'quarantined')`
const ended = `state = 'failed', outcome = 'cancelled_by_application', settled_at = ?, next_attempt_at = NULL,
  quarantined_at = NULL, ciphertext = NULL`

/** Ends what waits of a message; what somebody has locked is passed over. */
export async function cancelUnlocked(
  trx: Knex.Transaction,
  message: MessageId,
  at: Date,
): Promise<readonly DeliveryId[]> {
  const { rows } = await trx.raw<{ rows: { id: DeliveryId }[] }>(
    `UPDATE deliveries SET ${ended}
      WHERE id IN (SELECT id FROM deliveries WHERE message_id = ? AND ${waiting} FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING id`,
    [at, message],
  )
  return rows.map(({ id }) => id)
}

/** Ends one delivery, if it still waits once nobody else has it locked. */
export async function cancelOne(trx: Knex.Transaction, id: DeliveryId, at: Date): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `UPDATE deliveries SET ${ended} WHERE id = ? AND ${waiting} RETURNING id`,
    [at, id],
  )
  return rows.length > 0
}

export async function findWaiting(knex: Knex, message: MessageId): Promise<readonly DeliveryId[]> {
  const { rows } = await knex.raw<{ rows: { id: DeliveryId }[] }>(
    `SELECT id FROM deliveries WHERE message_id = ? AND ${waiting} ORDER BY position`,
    [message],
  )
  return rows.map(({ id }) => id)
}

/** Whether a delivery of the message was ended like this before. */
export async function wasCancelled(knex: Knex, message: MessageId): Promise<boolean> {
  const row = await knex('deliveries')
    .where({ message_id: message, outcome: 'cancelled_by_application' })
    .first<{ id: DeliveryId } | undefined>('id')
  return row !== undefined
}
