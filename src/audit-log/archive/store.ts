import type { Knex } from 'knex'
import { lastingTypes } from './lasting.ts'

export interface ArchiveRow {
  readonly first: number
  readonly next: number
  readonly sha256: string
  readonly at: Date
}

export async function listArchives(knex: Knex): Promise<readonly ArchiveRow[]> {
  const rows = await knex('audit_archives')
    .orderBy('first')
    .select<(Omit<ArchiveRow, 'first' | 'next'> & { first: string; next: string })[]>('*')
  return rows.map(row => ({ ...row, first: Number(row.first), next: Number(row.next) }))
}

/** The first leaf, from `first` on, whose event is of `at` or later; undefined when all are older. */
export async function firstLeafSince(knex: Knex, first: number, at: Date): Promise<number | undefined> {
  const row = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .where('l.leaf', '>=', first)
    .where('e.at', '>=', at)
    .orderBy('l.leaf')
    .first<{ leaf: string } | undefined>('l.leaf')
  return row && Number(row.leaf)
}

/** The size of the largest checkpoint that an anchor took which is among the settings; undefined when there is no anchor. */
export async function largestAnchored(knex: Knex): Promise<number | undefined> {
  const anchors = await knex('audit_anchor_states').pluck<string[]>('anchor')
  if (anchors.length === 0) return undefined
  const [size] = await knex('audit_anchors')
    .whereIn('anchor', anchors)
    .orderBy('size', 'desc')
    .limit(1)
    .pluck<string[]>('size')
  return Number(size ?? 0)
}

export async function insertArchive(trx: Knex.Transaction, row: ArchiveRow): Promise<void> {
  await trx('audit_archives').insert(row)
}

/** Whether any event of these leaves that does not stay is still in the database. */
export async function isAtHand(knex: Knex, first: number, next: number): Promise<boolean> {
  const found = await knex('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .where('l.leaf', '>=', first)
    .where('l.leaf', '<', next)
    .whereNotIn('e.type', [...lastingTypes])
    .limit(1)
    .pluck<string[]>('l.leaf')
  return found.length > 0
}

/** Gives how many there were. The database refuses it for what no archive has. */
export async function deleteEvents(knex: Knex, first: number, next: number): Promise<number> {
  return knex('audit_events')
    .whereIn('seq', knex('audit_leaves').where('leaf', '>=', first).where('leaf', '<', next).select('seq'))
    .whereNotIn('type', [...lastingTypes])
    .delete()
}
