import type { Knex } from 'knex'
import type { AuditEventType } from '../audit/index.ts'

export interface CheckpointRow {
  readonly size: number
  readonly root: Buffer
  readonly note: string
  readonly at: Date
}

const checkpoints = (knex: Knex) =>
  knex('audit_checkpoints').first<StoredCheckpoint | undefined>('size', 'root', 'note', 'at')

// PostgreSQL's driver gives a bigint as text; sizes and leaves are safe integers.
type StoredCheckpoint = Omit<CheckpointRow, 'size'> & { readonly size: string }

export async function newestCheckpoint(knex: Knex): Promise<CheckpointRow | undefined> {
  return counted(await checkpoints(knex).orderBy('size', 'desc'))
}

export async function checkpointOfSize(knex: Knex, size: number): Promise<CheckpointRow | undefined> {
  return counted(await checkpoints(knex).where({ size }))
}

export async function oldestCheckpointAbove(knex: Knex, leaf: number): Promise<CheckpointRow | undefined> {
  return counted(await checkpoints(knex).where('size', '>', leaf).orderBy('size'))
}

function counted(row: StoredCheckpoint | undefined): CheckpointRow | undefined {
  return row && { ...row, size: Number(row.size) }
}

export interface LeafRow {
  readonly leaf: number
  readonly id: string
  readonly type: AuditEventType
  readonly at: Date
  readonly body: string
}

/** In the order of the leaves. */
export async function eventsFromLeaf(knex: Knex, first: number, limit: number): Promise<LeafRow[]> {
  const rows = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .where('l.leaf', '>=', first)
    .orderBy('l.leaf')
    .limit(limit)
    .select<(Omit<LeafRow, 'leaf'> & { leaf: string })[]>('l.leaf', 'e.id', 'e.type', 'e.at', 'e.body')
  return rows.map(row => ({ ...row, leaf: Number(row.leaf) }))
}

export async function leavesOfIds(
  knex: Knex,
  ids: readonly string[],
): Promise<{ readonly id: string; readonly leaf: number }[]> {
  const rows = await knex('audit_events AS e')
    .join('audit_leaves AS l', 'l.seq', 'e.seq')
    .whereIn('e.id', [...ids])
    .select<{ id: string; leaf: string }[]>('e.id', 'l.leaf')
  return rows.map(({ id, leaf }) => ({ id, leaf: Number(leaf) }))
}

/** The first `width` hashes of a full tile; undefined where it is not full yet. */
export async function hashesOfFullTile(
  knex: Knex,
  level: number,
  index: number,
  width: number,
): Promise<Buffer | undefined> {
  const row = await knex('audit_tiles')
    .where({ level, index })
    .first<{ hashes: Buffer } | undefined>(knex.raw('substring(hashes FROM 1 FOR ?) AS hashes', [width * 32]))
  return row?.hashes
}

/** The hashes of these leaves, one after the other, as far as they are there. */
export async function hashesOfLeaves(knex: Knex, first: number, count: number): Promise<Buffer> {
  const [row] = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .whereBetween('l.leaf', [first, first + count - 1])
    .select<Joined>(knex.raw(`string_agg(e.hash, '' ORDER BY l.leaf) AS hashes`))
  return row?.hashes ?? Buffer.alloc(0)
}

/** The roots of these tiles, one after the other, as far as they are full. */
export async function rootsOfTiles(knex: Knex, level: number, first: number, count: number): Promise<Buffer> {
  const [row] = await knex('audit_tiles')
    .where({ level })
    .whereBetween('index', [first, first + count - 1])
    .select<Joined>(knex.raw(`string_agg(root, '' ORDER BY index) AS hashes`))
  return row?.hashes ?? Buffer.alloc(0)
}

// In one value: hundreds of rows cost the driver more than the database.
type Joined = { readonly hashes: Buffer | null }[]
