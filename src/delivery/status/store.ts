import type { Knex } from 'knex'
import type { Address, DeliveryId, MessageId } from '../../kernel/index.ts'
import type { Outcome } from '../outcome.ts'
import type { AttemptRow, DeliveryState } from '../store.ts'

export interface SummaryRow {
  delivery_id: DeliveryId
  recipient: Address
  state: DeliveryState
  last_outcome: Outcome | null
  next_attempt_at: Date | null
  settled_at: Date | null
}

/** A delivery beside one of its attempts; the attempt's columns are null when there was none. */
type StatusRow = SummaryRow & (AttemptRow | { number: null })

const summary = `d.id AS delivery_id, d.address AS recipient, d.state, d.outcome AS last_outcome, d.next_attempt_at, d.settled_at`

/** In the order of the recipients, then of the attempts. One statement, so one moment. */
export async function findDeliveries(
  knex: Knex | Knex.Transaction,
  message: MessageId,
): Promise<StatusRow[]> {
  const { rows } = await knex.raw<{ rows: StatusRow[] }>(
    `SELECT ${summary}, a.number, a.started_at, a.finished_at, a.outcome, a.host, a.address, a.port, a.tls,
            a.reply_code, a.reply
       FROM deliveries d LEFT JOIN attempts a ON a.delivery_id = d.id
      WHERE d.message_id = ?
      ORDER BY d.position, a.number`,
    [message],
  )
  return rows
}

/** Those of several messages, of each in the order of its recipients. */
export async function findSummaries(
  knex: Knex,
  messages: readonly MessageId[],
): Promise<(SummaryRow & { message: MessageId })[]> {
  const { rows } = await knex.raw<{ rows: (SummaryRow & { message: MessageId })[] }>(
    `SELECT d.message_id AS message, ${summary} FROM deliveries d WHERE d.message_id = ANY(?::text[])
      ORDER BY d.message_id, d.position`,
    [[...messages]],
  )
  return rows
}
