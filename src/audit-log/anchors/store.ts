import type { Knex } from 'knex'
import type { AnchorReceipt } from './receipts.ts'

export type AnchorState = 'well' | 'failing' | 'ahead'

export interface AnchorStanding {
  readonly anchor: string
  readonly state: AnchorState
  /** When it came into this state. */
  readonly since: Date
  /** Why it is failing. */
  readonly reason: string | null
  readonly triedAt: Date
  /** How many times in a row it took nothing. */
  readonly failures: number
}

/** False when it was known already. */
export async function insertReceipt(
  knex: Knex | Knex.Transaction,
  taken: {
    readonly anchor: string
    readonly size: number
    readonly receipt: string | undefined
    readonly at: Date
  },
): Promise<boolean> {
  const inserted = await knex('audit_anchors')
    .insert({ ...taken, receipt: taken.receipt ?? null })
    .onConflict(['anchor', 'size'])
    .ignore()
    .returning('size')
  return inserted.length > 0
}

export async function findReceipts(knex: Knex, size: number): Promise<readonly AnchorReceipt[]> {
  const rows = await knex('audit_anchors')
    .where({ size })
    .orderBy('anchor')
    .select<{ anchor: string; receipt: string | null; at: Date }[]>('anchor', 'receipt', 'at')
  return rows.map(({ anchor, receipt, at }) => ({ anchor, receipt: receipt ?? undefined, at }))
}

/** The names of all anchors that ever took anything, by one step in the index for each. */
const everyAnchor = `
  WITH RECURSIVE every_anchor AS (
    (SELECT anchor FROM audit_anchors ORDER BY anchor LIMIT 1)
    UNION ALL
    SELECT (SELECT anchor FROM audit_anchors WHERE anchor > e.anchor ORDER BY anchor LIMIT 1)
      FROM every_anchor e WHERE e.anchor IS NOT NULL
  )`

/** Of each anchor that has taken a checkpoint of at least `size` leaves: the smallest such, the smallest of all first. */
export async function findCovering(
  knex: Knex,
  size: number,
): Promise<readonly { readonly anchor: string; readonly size: number }[]> {
  const { rows } = await knex.raw<{ rows: { anchor: string; size: string }[] }>(
    `${everyAnchor}
     SELECT e.anchor, c.size FROM every_anchor e
       CROSS JOIN LATERAL (SELECT size FROM audit_anchors a WHERE a.anchor = e.anchor AND a.size >= ? ORDER BY size LIMIT 1) c
      ORDER BY c.size, e.anchor`,
    [size],
  )
  return rows.map(row => ({ anchor: row.anchor, size: Number(row.size) }))
}

/** When each anchor took a checkpoint last, and of which size. */
export async function findNewest(
  knex: Knex,
): Promise<readonly { readonly anchor: string; readonly size: number; readonly at: Date }[]> {
  const { rows } = await knex.raw<{ rows: { anchor: string; size: string; at: Date }[] }>(
    `${everyAnchor}
     SELECT e.anchor, c.size, c.at FROM every_anchor e
       CROSS JOIN LATERAL (SELECT size, at FROM audit_anchors a WHERE a.anchor = e.anchor ORDER BY size DESC LIMIT 1) c
      ORDER BY e.anchor`,
  )
  return rows.map(({ anchor, size, at }) => ({ anchor, size: Number(size), at }))
}

export async function findStandings(knex: Knex | Knex.Transaction): Promise<readonly AnchorStanding[]> {
  return knex('audit_anchor_states')
    .orderBy('anchor')
    .select<AnchorStanding[]>('anchor', 'state', 'since', 'reason', 'tried_at as triedAt', 'failures')
}

export async function saveStanding(
  trx: Knex.Transaction,
  { triedAt, ...standing }: AnchorStanding,
): Promise<void> {
  await trx('audit_anchor_states')
    .insert({ ...standing, tried_at: triedAt })
    .onConflict('anchor')
    .merge()
}

export async function deleteStanding(trx: Knex.Transaction, anchor: string): Promise<void> {
  await trx('audit_anchor_states').where({ anchor }).delete()
}

/** The public keys that checkpoints of this log were ever signed by, the present one first. */
export async function findVerifiers(knex: Knex): Promise<readonly string[]> {
  return knex('log_keys').orderByRaw('retired_at IS NOT NULL, created_at DESC').pluck<string[]>('verifier')
}
