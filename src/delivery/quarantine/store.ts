import type { Knex } from 'knex'
import type { Address, DeliveryId, MessageId, OperatorId } from '../../kernel/index.ts'
import type { Outcome } from '../outcome.ts'

/** A delivery that waits for an operator. */
export interface QuarantinedDelivery {
  readonly id: DeliveryId
  readonly message: MessageId
  readonly recipient: Address
  /** How its last attempt broke off. */
  readonly outcome: Outcome
  readonly attempts: number
  readonly quarantinedAt: Date
  /** When it is given up, unless somebody decides before. */
  readonly giveUpAt: Date
}

/** What waits for an operator, in the order of acceptance; after the one given, if any. */
export async function listQuarantined(
  knex: Knex,
  { limit, after }: { readonly limit: number; readonly after?: DeliveryId },
): Promise<QuarantinedDelivery[]> {
  const query = knex('deliveries')
    .where({ state: 'quarantined' })
    .whereNotNull('quarantined_at')
    .orderBy('id')
    .limit(limit)
  if (after !== undefined) query.where('id', '>', after)
  return query.select<QuarantinedDelivery[]>(
    'id',
    'message_id AS message',
    'address AS recipient',
    'outcome',
    'attempts',
    'quarantined_at AS quarantinedAt',
    'give_up_at AS giveUpAt',
  )
}

/** Locks a delivery; undefined when there is none of that name. */
export async function lockDelivery(
  trx: Knex.Transaction,
  id: DeliveryId,
): Promise<{ state: string; address: Address; outcome: Outcome } | undefined> {
  return trx('deliveries').where({ id }).forUpdate().first('state', 'address', 'outcome')
}

/** Back among the queued, as if no attempt had broken off. Its attempts stay, and count on. */
export async function requeue(
  trx: Knex.Transaction,
  id: DeliveryId,
  by: OperatorId | undefined,
  at: Date,
): Promise<void> {
  await trx('deliveries')
    .where({ id })
    .update({
      state: 'queued',
      strikes: 0,
      quarantined_at: null,
      released_by: by ?? null,
      next_attempt_at: at,
    })
}

export async function cancel(trx: Knex.Transaction, id: DeliveryId, at: Date): Promise<void> {
  await trx('deliveries')
    .where({ id })
    .update({ state: 'failed', outcome: 'cancelled', settled_at: at, quarantined_at: null, ciphertext: null })
}

/**
 * Ends at most `limit` quarantined deliveries whose time is over, be it the policy's or the application's; those that
 * somebody has locked are passed over.
 */
export async function giveUpQuarantined(
  trx: Knex.Transaction,
  at: Date,
  limit: number,
): Promise<{ id: DeliveryId; attempts: number; outcome: 'gave_up' | 'expired' }[]> {
  const { rows } = await trx.raw<{
    rows: { id: DeliveryId; attempts: number; outcome: 'gave_up' | 'expired' }[]
  }>(
    `UPDATE deliveries d SET state = 'failed', settled_at = ?, quarantined_at = NULL, ciphertext = NULL,
            outcome = CASE WHEN m.expires_at <= ? THEN 'expired' ELSE 'gave_up' END
       FROM messages m
      WHERE m.id = d.message_id
        AND d.id IN (SELECT id FROM deliveries WHERE state = 'quarantined' AND quarantined_at IS NOT NULL AND give_up_at <= ?
                      LIMIT ? FOR NO KEY UPDATE SKIP LOCKED)
      RETURNING d.id, d.attempts, d.outcome`,
    [at, at, at, limit],
  )
  return rows
}
