import type { Knex } from 'knex'
import { asDestinationRule, type DestinationRule } from '../destination.ts'

type Handle = Knex | Knex.Transaction

/** A domain's rule, and since when it holds. */
export interface Destination {
  readonly domain: string
  readonly rule: DestinationRule
  readonly updatedAt: Date
}

interface Row {
  readonly domain: string
  readonly rule: unknown
  readonly updatedAt: Date
}

const columns = { domain: 'domain', rule: 'rule', updatedAt: 'updated_at' } as const

/**
 * Until this transaction ends, nobody else sets the rule of this domain, whether it has one or not. Its key is made of the
 * name, so that two domains may share one; then one waits for the other.
 */
export async function lockDomain(trx: Knex.Transaction, domain: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(hashtextextended('destination ' || ?, 0))`, [domain])
}

/** Throws `config_invalid` when what is stored is not a rule. */
export async function findRule(knex: Handle, domain: string): Promise<Destination | undefined> {
  const row = await knex('destinations').where({ domain }).first<Row | undefined>(columns)
  return row && { ...row, rule: asDestinationRule(row.rule) }
}

export interface DestinationPage {
  readonly limit: number
  /** The last domain of the page before. */
  readonly after?: string | undefined
  /** What the domain begins with. */
  readonly q?: string | undefined
  readonly mode?: DestinationRule['mode'] | undefined
}

/** By domain. */
export async function rulePage(
  knex: Handle,
  { limit, after, q, mode }: DestinationPage,
): Promise<readonly Destination[]> {
  const query = knex('destinations').select<Row[]>(columns).orderBy('domain').limit(limit)
  if (after !== undefined) void query.where('domain', '>', after)
  if (q !== undefined) void query.whereRaw('starts_with(domain, ?)', [q.toLowerCase()])
  if (mode !== undefined) void query.whereRaw(`rule ->> 'mode' = ?`, [mode])
  const rows = await query
  return rows.map(row => ({ ...row, rule: asDestinationRule(row.rule) }))
}

export async function writeRule(
  trx: Knex.Transaction,
  { domain, rule, updatedAt }: Destination,
): Promise<void> {
  await trx('destinations')
    .insert({ domain, rule: JSON.stringify(rule), updated_at: updatedAt })
    .onConflict('domain')
    .merge(['rule', 'updated_at'])
}

export async function deleteRule(trx: Knex.Transaction, domain: string): Promise<void> {
  await trx('destinations').where({ domain }).delete()
}
