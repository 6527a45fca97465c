import type { Knex } from 'knex'
import type { TlsEvidence } from '../../audit/index.ts'
import { asDestinationRule, type DestinationRule } from '../destination.ts'
import type { Outcome } from '../outcome.ts'

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

/** One attempt at a domain's servers, as it ended. */
export interface DomainAttempt {
  readonly at: Date
  readonly outcome: Outcome
  readonly host: string | null
  readonly tls: TlsEvidence | null
}

/** Deliveries younger than this many others of their domain are looked at; an attempt at an older one is rarely the last. */
const lookedAt = 50

/** Of each domain with attempts its last one. */
export async function lastAttempts(
  knex: Handle,
  domains: readonly string[],
): Promise<ReadonlyMap<string, DomainAttempt>> {
  return attemptsBy(
    knex,
    `SELECT n.domain, a.finished_at AS at, a.outcome, a.host, a.tls
       FROM unnest(?::text[]) AS n (domain), LATERAL (
         SELECT a.* FROM (
           SELECT id FROM deliveries WHERE lower(split_part(address, '@', 2)) = n.domain ORDER BY id DESC LIMIT ${lookedAt}) d
           JOIN attempts a ON a.delivery_id = d.id
          ORDER BY a.finished_at DESC LIMIT 1) a`,
    domains,
  )
}

/** Of each domain with deliveries that arrived the last one's attempt. */
export async function lastDelivered(
  knex: Handle,
  domains: readonly string[],
): Promise<ReadonlyMap<string, DomainAttempt>> {
  return attemptsBy(
    knex,
    `SELECT n.domain, a.finished_at AS at, a.outcome, a.host, a.tls
       FROM unnest(?::text[]) AS n (domain), LATERAL (
         SELECT id FROM deliveries
          WHERE lower(split_part(address, '@', 2)) = n.domain AND state = 'delivered' ORDER BY id DESC LIMIT 1) d
       JOIN attempts a ON a.delivery_id = d.id AND a.outcome = 'delivered'`,
    domains,
  )
}

async function attemptsBy(
  knex: Handle,
  sql: string,
  domains: readonly string[],
): Promise<ReadonlyMap<string, DomainAttempt>> {
  const { rows } = await knex.raw<{ rows: (DomainAttempt & { domain: string })[] }>(sql, [[...domains]])
  return new Map(rows.map(({ domain, ...attempt }) => [domain, attempt]))
}

/** Domains of recipients that have no rule: nothing can be sent there. */
export async function domainsWithoutRule(knex: Handle, limit: number): Promise<readonly string[]> {
  const { rows } = await knex.raw<{ rows: { domain: string }[] }>(
    `SELECT DISTINCT lower(split_part(r.address, '@', 2)) AS domain FROM recipients r
      WHERE r.state <> 'unenrolled'
        AND NOT EXISTS (SELECT FROM destinations d WHERE d.domain = lower(split_part(r.address, '@', 2)))
      ORDER BY domain LIMIT ?`,
    [limit],
  )
  return rows.map(({ domain }) => domain)
}
