import type { Knex } from 'knex'
import type { DeliveryFacts } from './subjects-of.ts'

const followerName = 'subjects'

export interface Leaf {
  readonly leaf: number
  readonly at: Date
  readonly body: string
}

/** How many leaves the log has, and up to which (not included) they are in the index. */
export interface Extent {
  readonly size: number
  readonly indexed: number
  /** Leaves below have left for an archive; their events are not here. */
  readonly archived: number
}

export async function extentOf(knex: Knex): Promise<Extent> {
  const { rows } = await knex.raw<{ rows: [{ size: string; indexed: string; archived: string }] }>(
    `SELECT coalesce((SELECT max(leaf) + 1 FROM audit_leaves), 0) AS size,
            coalesce((SELECT next_leaf FROM audit_followers WHERE name = ?), 0) AS indexed,
            coalesce((SELECT max(next) FROM audit_archives), 0) AS archived`,
    [followerName],
  )
  const [{ size, indexed, archived }] = rows
  return { size: Number(size), indexed: Number(indexed), archived: Number(archived) }
}

/** The cursor, locked; undefined when somebody else has it. */
export async function lockCursor(trx: Knex.Transaction, at: Date): Promise<number | undefined> {
  await trx.raw(
    `INSERT INTO audit_followers (name, next_leaf, updated_at) SELECT ?, 0, ?
      WHERE NOT EXISTS (SELECT FROM audit_followers WHERE name = ?) ON CONFLICT DO NOTHING`,
    [followerName, at, followerName],
  )
  const { rows } = await trx.raw<{ rows: { next: string }[] }>(
    `SELECT next_leaf AS next FROM audit_followers WHERE name = ? FOR NO KEY UPDATE SKIP LOCKED`,
    [followerName],
  )
  return rows[0] === undefined ? undefined : Number(rows[0].next)
}

export async function moveCursor(trx: Knex.Transaction, next: number, at: Date): Promise<void> {
  await trx('audit_followers').where({ name: followerName }).update({ next_leaf: next, updated_at: at })
}

/** The events of the leaves from `first` up to `next`, in order; those in an archive are not among them. */
export async function eventsBetween(knex: Knex, first: number, next: number): Promise<Leaf[]> {
  const { rows } = await knex.raw<{ rows: { leaf: string; at: Date; body: string }[] }>(
    `SELECT l.leaf, e.at, e.body FROM audit_leaves l JOIN audit_events e ON e.seq = l.seq
      WHERE l.leaf >= ? AND l.leaf < ? ORDER BY l.leaf`,
    [first, next],
  )
  return rows.map(row => ({ ...row, leaf: Number(row.leaf) }))
}

export interface DeliveryRow extends DeliveryFacts {
  readonly delivery: string
  /** Whether every delivery of its message has ended. */
  readonly settled: boolean
}

export async function factsOfDeliveries(knex: Knex, ids: readonly string[]): Promise<DeliveryRow[]> {
  if (ids.length === 0) return []
  const { rows } = await knex.raw<{ rows: DeliveryRow[] }>(
    `SELECT d.id AS delivery, d.message_id AS message, d.recipient_id AS recipient, m.application_id AS application,
            d.certificate, d.encryption_subkey AS "encryptionSubkey",
            lower(split_part(d.address, '@', 2)) AS domain,
            NOT EXISTS (SELECT FROM deliveries o WHERE o.message_id = d.message_id AND o.settled_at IS NULL) AS settled
       FROM unnest(?::text[]) AS asked (id) JOIN deliveries d ON d.id = asked.id JOIN messages m ON m.id = d.message_id`,
    [[...ids]],
  )
  return rows
}

export interface Posting {
  readonly subject: string
  readonly block: number
  readonly source: number
  readonly leaves: Buffer
}

export async function insertPostings(trx: Knex.Transaction, postings: readonly Posting[]): Promise<void> {
  await trx.raw(
    `INSERT INTO audit_subjects (subject, block, source, leaves)
     SELECT * FROM unnest(?::text[], ?::int[], ?::int[], ?::bytea[])`,
    [
      postings.map(({ subject }) => subject),
      postings.map(({ block }) => block),
      postings.map(({ source }) => source),
      postings.map(({ leaves }) => leaves),
    ],
  )
}

export interface BlockTimes {
  readonly block: number
  readonly first: Date | null
  readonly last: Date | null
}

export async function insertBlock(trx: Knex.Transaction, { block, first, last }: BlockTimes): Promise<void> {
  await trx('audit_blocks').insert({ block, first_at: first, last_at: last })
}

/** The first place of each of these subjects in the index, of the leaves that are about `type` as well. */
export async function firstPlaces(
  knex: Knex,
  subjects: readonly string[],
  type: string,
): Promise<readonly (Posting & { readonly ofType: Buffer })[]> {
  if (subjects.length === 0) return []
  const { rows } = await knex.raw<{ rows: (Posting & { ofType: Buffer })[] }>(
    `SELECT s.*, t.leaves AS "ofType"
       FROM (SELECT DISTINCT ON (subject) subject, block, source, leaves FROM audit_subjects
              WHERE subject = ANY(?::text[]) ORDER BY subject, block, source) s
       JOIN audit_subjects t ON t.subject = ? AND t.block = s.block AND t.source = s.block`,
    [[...subjects], type],
  )
  return rows
}

/**
 * Of the blocks from `first` up to `next`, the last first: those that are about all of `required`, with what of `asked` they
 * are about: `N:LEAVES`, in hexadecimal, with spaces between; N counts `asked` from 1.
 */
export async function postingsOf(
  knex: Knex,
  asked: readonly string[],
  required: readonly string[],
  first: number,
  next: number,
): Promise<readonly { readonly block: number; readonly postings: string }[]> {
  // One text for each block: as an array it would take longer to read than to find.
  const { rows } = await knex.raw<{ rows: { block: number; postings: string }[] }>(
    `SELECT block, string_agg(array_position(?::text[], subject::text) || ':' || encode(leaves, 'hex'), ' ') AS postings
       FROM audit_subjects WHERE subject = ANY(?::text[]) AND block >= ? AND block < ?
      GROUP BY block HAVING count(DISTINCT subject) FILTER (WHERE subject = ANY(?::text[])) = ?
      ORDER BY block DESC`,
    [[...asked], [...asked], first, next, [...required], required.length],
  )
  return rows
}

/** The first and the last of the indexed blocks that have events of the time asked for; undefined: none. */
export async function blocksOfTime(
  knex: Knex,
  from: Date | undefined,
  until: Date | undefined,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const { rows } = await knex.raw<{ rows: [{ first: number | null; last: number | null }] }>(
    `SELECT min(block) AS first, max(block) AS last FROM audit_blocks
      WHERE (?::timestamptz IS NULL OR last_at >= ?) AND (?::timestamptz IS NULL OR first_at < ?)`,
    [from ?? null, from ?? null, until ?? null, until ?? null] as Date[],
  )
  const [{ first, last }] = rows
  return first === null || last === null ? undefined : { first, last }
}
