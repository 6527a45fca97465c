import type { Knex } from 'knex'
import type { Address, ApplicationId, MessageId } from '../../kernel/index.ts'
import type { StoredMessage } from '../store.ts'
import type { ListFilter, ListPoint, ListState } from './list.ts'

/** A stretch of an application's messages, as an index has them. */
export interface Stretch extends Pick<ListFilter, 'reference' | 'since' | 'until'> {
  readonly application: ApplicationId
  /** Only what comes after this in the list. */
  readonly after: ListPoint | undefined
  /** Only these messages, of which there are few. */
  readonly among?: readonly MessageId[] | undefined
}

export interface Looked {
  /** Those that fit what no index knows. */
  readonly fitting: readonly StoredMessage[]
  /** The last that was looked at; undefined: the stretch has no more. */
  readonly last: ListPoint | undefined
}

const columns = 'id, application_id, sender, reference, accepted_at, expires_at'
const order = 'ORDER BY accepted_at DESC, id DESC'

/**
 * Looks at the next messages of a stretch, newest first, `limit` of them if there are so many. Which these are is for an index
 * alone to say, so that the work depends on `limit`, not on how few fit.
 */
export async function lookThrough(
  knex: Knex,
  { among, ...stretch }: Stretch,
  filter: ListFilter,
  limit: number,
): Promise<Looked> {
  const within = conditionsOf([
    ['application_id = ?', stretch.application],
    ['reference = ?', stretch.reference],
    ['accepted_at >= ?', stretch.since],
    ['accepted_at < ?', stretch.until],
    ['(accepted_at, id) < (?, ?)', stretch.after?.acceptedAt, stretch.after?.id],
    ['id = ANY(?::text[])', among && [...among]],
  ])
  const { state, from, recipient } = filter
  const fits = conditionsOf([
    ['m.sender = ?', from],
    [`EXISTS (${deliveryWith('d.address = ?')})`, recipient],
  ])
  // Few messages by their names: not left to the planner, who may hope to meet them soon on a walk through all.
  const source =
    among === undefined
      ? `SELECT ${columns} FROM messages WHERE ${within.sql} ${order} LIMIT ?`
      : `SELECT * FROM (SELECT ${columns} FROM messages WHERE ${within.sql} OFFSET 0) chosen ${order} LIMIT ?`
  const { rows } = await knex.raw<{ rows: (StoredMessage & { fits: boolean; place: number })[] }>(
    `WITH m AS MATERIALIZED (${source})
     SELECT id, application_id AS application, sender AS "from", reference, accepted_at AS "acceptedAt",
            expires_at AS "expiresAt", fits, place
       FROM (SELECT *, row_number() OVER (${order})::int AS place,
                    (${fits.sql} AND ${state === undefined ? 'true' : isIn[state]}) AS fits FROM m) looked
      WHERE fits OR place = ? ${order}`,
    [...within.bindings, limit, ...fits.bindings, limit],
  )
  return {
    fitting: rows.filter(row => row.fits).map(({ fits: _fits, place: _place, ...message }) => message),
    last: rows.find(({ place }) => place === limit),
  }
}

/** As `overall` in status.ts, which decides, says of one message. */
const open = `EXISTS (${deliveryWith(`d.state NOT IN ('delivered', 'failed')`)})`
const isIn: Readonly<Record<ListState, string>> = {
  queued: open,
  delivered: `NOT EXISTS (${deliveryWith(`d.state <> 'delivered'`)})`,
  failed: `NOT EXISTS (${deliveryWith(`d.state <> 'failed'`)})`,
  partly_delivered: `NOT ${open} AND EXISTS (${deliveryWith(`d.state = 'failed'`)})
                     AND EXISTS (${deliveryWith(`d.state = 'delivered'`)})`,
}

function deliveryWith(condition: string): string {
  return `SELECT FROM deliveries d WHERE d.message_id = m.id AND ${condition}`
}

/** Messages, of whatever application, with a delivery to this address; undefined: there are more than `most`. */
export async function messagesTo(
  knex: Knex,
  address: Address,
  { since, until, after }: Pick<Stretch, 'since' | 'until' | 'after'>,
  most: number,
): Promise<readonly MessageId[] | undefined> {
  const { sql, bindings } = conditionsOf([
    ['r.address = ?', address],
    ['d.accepted_at >= ?', since],
    ['d.accepted_at < ?', until],
    ['d.accepted_at <= ?', after?.acceptedAt],
  ])
  const { rows } = await knex.raw<{ rows: { id: MessageId }[] }>(
    `SELECT d.message_id AS id
       FROM recipients r JOIN certificates c ON c.recipient_id = r.id JOIN deliveries d ON d.certificate = c.fingerprint
      WHERE ${sql} LIMIT ?`,
    [...bindings, most + 1],
  )
  return rows.length > most ? undefined : rows.map(({ id }) => id)
}

type Condition = readonly [sql: string, ...bindings: readonly (Knex.RawBinding | undefined)[]]

/** Those of the conditions that have their values. */
function conditionsOf(conditions: readonly Condition[]): {
  readonly sql: string
  readonly bindings: readonly Knex.RawBinding[]
} {
  const given = conditions.filter(([, value]) => value !== undefined)
  return {
    sql: ['true', ...given.map(([sql]) => sql)].join(' AND '),
    bindings: given.flatMap(([, ...values]) => values.filter(value => value !== undefined)),
  }
}
