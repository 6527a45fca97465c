import type { Knex } from 'knex'

/** Which events are wanted of a range of leaves. */
export interface EventFilter {
  /** Not before. */
  readonly from?: Date
  /** Before. */
  readonly until?: Date
  readonly type?: string
  /** An id, address or name that the event holds as one of its values. */
  readonly subject?: string
}

export interface ExportedRow {
  readonly leaf: number
  readonly body: string
}

/** Bodies as they stand, in the order of their leaves. */
export async function bodiesOfLeaves(
  knex: Knex,
  first: number,
  next: number,
  filter: EventFilter,
): Promise<readonly ExportedRow[]> {
  const rows = await eventsOfLeaves(knex, first, next, filter)
    .orderBy('l.leaf')
    .select<{ leaf: string; body: string }[]>('l.leaf', 'e.body')
  return rows.map(({ leaf, body }) => ({ leaf: Number(leaf), body }))
}

export async function countEvents(
  knex: Knex,
  first: number,
  next: number,
  filter: EventFilter,
): Promise<number> {
  const row = await eventsOfLeaves(knex, first, next, filter).count<{ count: string }[]>('*').first()
  return Number(row?.count ?? 0)
}

function eventsOfLeaves(
  knex: Knex,
  first: number,
  next: number,
  { from, until, type, subject }: EventFilter,
) {
  const wanted = knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .where('l.leaf', '>=', first)
    .where('l.leaf', '<', next)
  if (from !== undefined) wanted.where('e.at', '>=', from)
  if (until !== undefined) wanted.where('e.at', '<', until)
  if (type !== undefined) wanted.where('e.type', type)
  // By the body and no index beside it: what the auditor asked for does not depend on what can be made anew.
  if (subject !== undefined) wanted.whereRaw('strpos(e.body, ?) > 0', [JSON.stringify(subject)])
  return wanted
}

export interface OlderCheckpoint {
  readonly size: number
  readonly note: string
  /** Lines of witnesses about it. */
  readonly cosignatures: readonly string[]
}

/**
 * Checkpoints of fewer than `size` leaves: of each hour the last, of those that an anchor took if there are any, and the last that each anchor
 * took. All of them would be thousands a day.
 */
export async function olderCheckpoints(knex: Knex, size: number): Promise<readonly OlderCheckpoint[]> {
  const { rows } = await knex.raw<{ rows: { size: string; note: string; receipts: string[] }[] }>(
    `SELECT c.size, c.note, ARRAY(
         SELECT a.receipt FROM audit_anchors a WHERE a.size = c.size AND a.receipt LIKE '— %' ORDER BY a.anchor
       ) AS receipts
       FROM audit_checkpoints c
      WHERE c.size IN (
        SELECT hourly.size FROM (
          SELECT DISTINCT ON (date_trunc('hour', k.at, 'UTC')) k.size FROM audit_checkpoints k
           WHERE k.size < :size
           ORDER BY date_trunc('hour', k.at, 'UTC'), EXISTS (SELECT FROM audit_anchors a WHERE a.size = k.size) DESC, k.size DESC
        ) hourly
        UNION SELECT max(a.size) FROM audit_anchors a WHERE a.size < :size GROUP BY a.anchor
      )
      ORDER BY c.size`,
    { size },
  )
  return rows.map(row => ({ size: Number(row.size), note: row.note, cosignatures: row.receipts }))
}

/** Lines of witnesses about one checkpoint. */
export async function cosignaturesOf(knex: Knex, size: number): Promise<readonly string[]> {
  return knex('audit_anchors')
    .where({ size })
    .whereLike('receipt', '— %')
    .orderBy('anchor')
    .pluck<string[]>('receipt')
}

/** The keys that ever signed checkpoints here, the oldest first. */
export async function verifierLines(knex: Knex): Promise<readonly string[]> {
  return knex('log_keys').orderBy('created_at').pluck<string[]>('verifier')
}

export interface FullTile {
  readonly index: number
  readonly hashes: Buffer
}

/** Full tiles as they stand, in order. */
export async function fullTiles(
  knex: Knex,
  level: number,
  first: number,
  next: number,
): Promise<readonly FullTile[]> {
  const rows = await knex('audit_tiles')
    .where({ level })
    .where('index', '>=', first)
    .where('index', '<', next)
    .orderBy('index')
    .select<{ index: string; hashes: Buffer }[]>('index', 'hashes')
  return rows.map(({ index, hashes }) => ({ index: Number(index), hashes }))
}
