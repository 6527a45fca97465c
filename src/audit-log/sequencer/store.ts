import type { Knex } from 'knex'
import { type FullTile, hashesOf } from '../../tlog/index.ts'
import type { CheckpointRow } from '../store.ts'
import type { Place } from './place.ts'

// Any number would do; nothing else in this database takes it.
const lockKey = '7020486530'

/** Whether this transaction is now the only one that adds to the log. Paused for ten seconds, it loses that, and all it did. */
export async function lockLog(trx: Knex.Transaction): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: { locked: boolean }[] }>(
    `SELECT pg_try_advisory_xact_lock(?) AS locked, set_config('idle_in_transaction_session_timeout', '10s', true)`,
    [lockKey],
  )
  return rows[0]?.locked === true
}

/** How far the log is, and how far it may go. */
export interface Standing {
  readonly last: (CheckpointRow & { readonly place: Place }) | undefined
  /** Transactions below are over. */
  readonly xmin: bigint
  /** Above, no transaction of this server has ended: an event from there was restored from another. */
  readonly xmax: bigint
}

export async function standingOfLog(knex: Knex): Promise<Standing> {
  const { rows } = await knex.raw<{ rows: StandingRow[] }>(
    `SELECT pg_snapshot_xmin(now.snapshot) AS xmin, pg_snapshot_xmax(now.snapshot) AS xmax, c.*
       FROM (SELECT pg_current_snapshot() AS snapshot) AS now
       LEFT JOIN (SELECT size, root, note, at, xact, seq FROM audit_checkpoints ORDER BY size DESC LIMIT 1) AS c ON true`,
  )
  const [row] = rows
  if (row === undefined) throw new Error('a row of a snapshot')
  const { size, root, note, at, xact, seq } = row
  const last =
    size === null
      ? undefined
      : { size: Number(size), root, note, at, place: { xact: BigInt(xact), seq: BigInt(seq) } }
  return { last, xmin: BigInt(row.xmin), xmax: BigInt(row.xmax) }
}

interface StandingRow {
  readonly xmin: string
  readonly xmax: string
  readonly size: string | null
  readonly root: Buffer
  readonly note: string
  readonly at: Date
  readonly xact: string
  readonly seq: string
}

/** The first event after a place that is not in the log, of transactions below `xmax`. */
export async function firstWaiting(
  knex: Knex,
  after: Place,
  xmax: bigint,
): Promise<{ readonly xact: bigint; readonly at: Date } | undefined> {
  const { rows } = await knex.raw<{ rows: { xact: string; at: Date }[] }>(
    `SELECT e.xact, e.at FROM audit_events e
      WHERE (e.xact, e.seq) > (?::xid8, ?::bigint) AND e.xact < ?::xid8
        AND (SELECT l.leaf FROM audit_leaves l WHERE l.seq = e.seq) IS NULL
      ORDER BY e.xact, e.seq LIMIT 1`,
    [String(after.xact), String(after.seq), String(xmax)],
  )
  const [row] = rows
  return row && { xact: BigInt(row.xact), at: row.at }
}

export interface Taken {
  /** Of the events taken in, in order. */
  readonly hashes: readonly Uint8Array[]
  /** Whether each was what its hash says. */
  readonly sound: boolean
  /** How many were looked at, with those that were in the log before. */
  readonly seen: number
  /** Of the last that was looked at. */
  readonly place: Place | undefined
}

/** Which events: of transactions below one, or what came with a dump of another server. */
export type Wanted = { readonly below: bigint } | 'restored'

/**
 * Makes leaves, from number `size` on, of up to `limit` wanted events after a place; passes over those that are leaves already. In
 * one statement, so that neither events nor their numbers travel.
 */
export async function takeEvents(
  trx: Knex.Transaction,
  after: Place,
  wanted: Wanted,
  size: number,
  limit: number,
): Promise<Taken> {
  // By this statement's own snapshot: it sees an event of a transaction that has not ended only if it was restored.
  const [condition, below] =
    wanted === 'restored'
      ? ['e.xact >= pg_snapshot_xmax(pg_current_snapshot())', []]
      : ['e.xact < ?::xid8', [String(wanted.below)]]
  const { rows } = await trx.raw<{ rows: TakenRow[] }>(
    // A subquery for each event, because a join might read all leaves there are.
    `WITH page AS MATERIALIZED (
       SELECT e.xact, e.seq, e.hash, e.hash = sha256('\\x00'::bytea || convert_to(e.body, 'UTF8')) AS sound,
              (SELECT l.leaf FROM audit_leaves l WHERE l.seq = e.seq) IS NULL AS fresh
         FROM audit_events e WHERE (e.xact, e.seq) > (?::xid8, ?::bigint) AND ${condition}
        ORDER BY e.xact, e.seq LIMIT ?
     ), taken AS (
       INSERT INTO audit_leaves (leaf, seq)
       SELECT ?::bigint + row_number() OVER (ORDER BY xact, seq) - 1, seq FROM page WHERE fresh
     )
     SELECT count(*)::int AS seen, coalesce(bool_and(sound), true) AS sound,
            string_agg(hash, '' ORDER BY xact, seq) FILTER (WHERE fresh) AS hashes,
            (SELECT xact FROM page ORDER BY xact DESC LIMIT 1) AS xact,
            (SELECT seq FROM page ORDER BY xact DESC, seq DESC LIMIT 1) AS seq
       FROM page`,
    [String(after.xact), String(after.seq), ...below, limit, size],
  )
  const [row] = rows
  if (row === undefined) throw new Error('a row of an aggregate')
  const { seen, sound, xact, seq } = row
  const place = xact === null || seq === null ? undefined : { xact: BigInt(xact), seq: BigInt(seq) }
  return { hashes: hashesOf(row.hashes ?? Buffer.alloc(0)), sound, seen, place }
}

interface TakenRow {
  readonly seen: number
  readonly sound: boolean
  readonly hashes: Buffer | null
  readonly xact: string | null
  readonly seq: string | null
}

export async function insertTiles(trx: Knex.Transaction, tiles: readonly FullTile[]): Promise<void> {
  if (tiles.length > 0) await trx('audit_tiles').insert([...tiles])
}

export async function insertCheckpoint(
  trx: Knex.Transaction,
  { place, ...row }: CheckpointRow & { readonly place: Place },
): Promise<void> {
  await trx('audit_checkpoints').insert({ ...row, xact: String(place.xact), seq: String(place.seq) })
}
