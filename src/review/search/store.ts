import type { Knex } from 'knex'
import type { LoggedEvent } from '../../audit-log/index.ts'
import type { DeliveryId, EventId, MessageId } from '../../kernel/index.ts'
import type { FoundDelivery } from './deliveries.ts'
import type { DeliveryFilter } from './filter.ts'

/** The events of these leaves that are of the time asked for, the last of the log first. */
export async function eventsAt(
  knex: Knex,
  leaves: readonly number[],
  { from, until }: { readonly from: Date | undefined; readonly until: Date | undefined },
  limit: number,
): Promise<readonly LoggedEvent[]> {
  const times: Knex.RawBinding[] = []
  if (from !== undefined) times.push(from)
  if (until !== undefined) times.push(until)
  const { rows } = await knex.raw<{ rows: (Omit<LoggedEvent, 'leaf'> & { leaf: string })[] }>(
    `SELECT l.leaf, e.id, e.type, e.at, e.body FROM audit_leaves l JOIN audit_events e ON e.seq = l.seq
      WHERE l.leaf = ANY(?::bigint[]) ${from === undefined ? '' : 'AND e.at >= ?'} ${until === undefined ? '' : 'AND e.at < ?'}
      ORDER BY l.leaf DESC LIMIT ?`,
    [[...leaves], ...times, limit],
  )
  return rows.map(row => ({ ...row, leaf: Number(row.leaf) }))
}

/** The messages that were accepted at these leaves. */
export async function messagesAt(
  knex: Knex,
  leaves: readonly number[],
): Promise<ReadonlyMap<MessageId, number>> {
  const { rows } = await knex.raw<{ rows: { leaf: string; message: MessageId | null }[] }>(
    `SELECT l.leaf, e.body::jsonb ->> 'message' AS message FROM audit_leaves l JOIN audit_events e ON e.seq = l.seq
      WHERE l.leaf = ANY(?::bigint[])`,
    [[...leaves]],
  )
  return new Map(
    rows.flatMap(({ leaf, message }) => (message === null ? [] : [[message, Number(leaf)] as const])),
  )
}

const columns = `d.id, d.message_id AS message, m.application_id AS application, p.name AS "applicationName",
  m.sender AS "from", m.reference, d.recipient_id AS recipient, d.address, d.certificate, d.encryption_subkey AS "encryptionSubkey",
  d.format, d.ciphertext_sha256 AS "ciphertextSha256", d.ciphertext_bytes AS "ciphertextBytes", d.state, d.outcome,
  d.attempts, d.accepted_at AS "acceptedAt", d.next_attempt_at AS "nextAttemptAt", d.settled_at AS "settledAt"`

const tables = `deliveries d JOIN messages m ON m.id = d.message_id JOIN applications p ON p.id = m.application_id`

export type DeliveryRow = FoundDelivery & { readonly position: number }

/** Those deliveries of the messages that fit the filter, in no order. */
export async function deliveriesOfMessages(
  knex: Knex,
  messages: readonly MessageId[],
  filter: DeliveryFilter,
): Promise<readonly DeliveryRow[]> {
  if (messages.length === 0) return []
  const conditions = ['d.message_id = ANY(?::text[])']
  const bindings: Knex.RawBinding[] = [[...messages]]
  const add = (value: Knex.RawBinding | undefined, condition: string, times = 1): void => {
    if (value === undefined) return
    conditions.push(condition)
    for (let i = 0; i < times; i++) bindings.push(value)
  }
  add(filter.from, 'd.accepted_at >= ?')
  add(filter.until, 'd.accepted_at < ?')
  add(filter.recipient, 'd.recipient_id = ?')
  add(filter.application, 'm.application_id = ?')
  add(filter.message, 'd.message_id = ?')
  add(filter.key, '(d.certificate = ? OR d.encryption_subkey = ?)', 2)
  add(filter.domain, `lower(split_part(d.address, '@', 2)) = ?`)
  add(filter.state, 'd.state = ?')
  add(
    filter.outcome,
    '(d.outcome = ? OR EXISTS (SELECT FROM attempts a WHERE a.delivery_id = d.id AND a.outcome = ?))',
    2,
  )
  const { rows } = await knex.raw<{ rows: DeliveryRow[] }>(
    `SELECT ${columns}, d.position FROM ${tables} WHERE ${conditions.join(' AND ')}`,
    bindings,
  )
  return rows
}

export async function deliveryNamed(knex: Knex, id: DeliveryId): Promise<FoundDelivery | undefined> {
  const { rows } = await knex.raw<{ rows: FoundDelivery[] }>(
    `SELECT ${columns} FROM ${tables} WHERE d.id = ?`,
    [id],
  )
  return rows[0]
}

/** An event, with its leaf once it is in the log. */
export async function eventNamed(
  knex: Knex,
  id: EventId,
): Promise<
  (Omit<LoggedEvent, 'leaf'> & { readonly leaf: number | null; readonly hash: Buffer }) | undefined
> {
  type Row = Omit<LoggedEvent, 'leaf'> & { leaf: string | null; hash: Buffer }
  const { rows } = await knex.raw<{ rows: Row[] }>(
    `SELECT l.leaf, e.id, e.type, e.at, e.body, e.hash FROM audit_events e LEFT JOIN audit_leaves l ON l.seq = e.seq
      WHERE e.id = ?`,
    [id],
  )
  return rows[0] && { ...rows[0], leaf: rows[0].leaf === null ? null : Number(rows[0].leaf) }
}
