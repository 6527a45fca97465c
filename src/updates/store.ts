import type { Knex } from 'knex'
import type { ApplicationId, MessageId } from '../kernel/index.ts'
import { type Place, placeBefore } from './cursor.ts'
import type { Update } from './update.ts'

/** Whose updates: of applications, or of one message of one. */
export type Scope =
  | { readonly applications: readonly ApplicationId[] }
  | { readonly application: ApplicationId; readonly message: MessageId }

export interface Page {
  readonly updates: readonly Update[]
  /** How far this page reaches. */
  readonly until: Place
  /** Whether there was more than the limit. */
  readonly full: boolean
}

type Row = Omit<Update, 'place'> & { readonly xid: string; readonly id: string }

const columns = `u.xid::text, u.id::text, u.type, u.at, u.application_id AS application, u.message_id AS message, m.reference,
  u.delivery_id AS delivery, d.address AS recipient, u.outcome, s.state`

const joins = `JOIN messages m ON m.id = u.message_id
  JOIN deliveries d ON d.id = u.delivery_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN bool_or(state NOT IN ('delivered', 'failed')) THEN 'queued'
                WHEN bool_and(state = 'delivered') THEN 'delivered'
                WHEN bool_and(state = 'failed') THEN 'failed'
                ELSE 'partly_delivered' END AS state
      FROM deliveries WHERE message_id = u.message_id) s`

/**
 * The updates after a place, in order, no further than `to` if that is given. None of a transaction at which an older one is still
 * under way: what is read is complete, and nothing ever turns up before it.
 */
export async function readUpdates(
  knex: Knex,
  scope: Scope,
  after: Place,
  limit: number,
  to?: Place,
): Promise<Page> {
  const whose =
    'message' in scope
      ? { sql: 'application_id = ? AND message_id = ?', bindings: [scope.application, scope.message] }
      : { sql: 'application_id = ANY(?)', bindings: [[...scope.applications]] }
  const upTo =
    to === undefined
      ? { sql: '', bindings: [] }
      : { sql: 'AND (xid, id) <= (?::xid8, ?::bigint)', bindings: [String(to.xid), String(to.id)] }
  const { rows } = await knex.raw<{ rows: ({ oldest: string } & (Row | { id: null }))[] }>(
    `SELECT h.oldest::text, r.* FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS oldest) h
       LEFT JOIN LATERAL (
         SELECT ${columns} FROM (
           SELECT * FROM updates
            WHERE ${whose.sql} AND (xid, id) > (?::xid8, ?::bigint) AND xid < h.oldest ${upTo.sql}
            ORDER BY xid, id LIMIT ?) u ${joins}) r ON true
      ORDER BY r.xid::xid8, r.id::bigint`,
    [...whose.bindings, String(after.xid), String(after.id), ...upTo.bindings, limit] as string[],
  )
  const updates = rows.flatMap(row => (row.id === null ? [] : [asUpdate(row)]))
  const full = updates.length === limit
  const last = updates.at(-1)?.place
  const end = to ?? placeBefore(BigInt(rows[0]?.oldest ?? '0'))
  return { updates, full, until: full && last !== undefined ? last : end }
}

/** Those of these ids that are still kept. */
export async function findUpdates(knex: Knex, ids: readonly string[]): Promise<ReadonlyMap<string, Update>> {
  const { rows } = await knex.raw<{ rows: Row[] }>(
    `SELECT ${columns} FROM updates u ${joins} WHERE u.id = ANY(?::bigint[])`,
    [[...ids]],
  )
  return new Map(rows.map(row => [row.id, asUpdate(row)]))
}

/** The end of what can be read at the moment. */
export async function endOfUpdates(knex: Knex): Promise<Place> {
  const { rows } = await knex.raw<{ rows: { oldest: string }[] }>(
    'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest',
  )
  return placeBefore(BigInt(rows[0]?.oldest ?? '0'))
}

/** Whether that update is still there, and this application's. */
export async function isKept(knex: Knex, application: ApplicationId, { xid, id }: Place): Promise<boolean> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    'SELECT FROM updates WHERE id = ?::bigint AND xid = ?::xid8 AND application_id = ?',
    [String(id), String(xid), application],
  )
  return rowCount > 0
}

export async function isMessageOf(
  knex: Knex,
  application: ApplicationId,
  message: MessageId,
): Promise<boolean> {
  const found = await knex('messages')
    .where({ id: message, application_id: application })
    .select<{ id: string }[]>('id')
  return found.length > 0
}

/** Forgets at most that many of those before a time, the oldest first; gives how many. Any number may run. */
export async function deleteUpdates(knex: Knex, before: Date, limit: number): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `DELETE FROM updates WHERE id IN (SELECT id FROM updates ORDER BY id LIMIT ?) AND at < ?`,
    [limit, before],
  )
  return rowCount
}

function asUpdate({ xid, id, ...row }: Row): Update {
  const { type, at, application, message, reference, state, delivery, recipient, outcome } = row
  const place = { xid: BigInt(xid), id: BigInt(id) }
  return { place, type, at, application, message, reference, state, delivery, recipient, outcome }
}
