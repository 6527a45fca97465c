import type { Knex } from 'knex'
import type { EventId } from '../kernel/index.ts'
import type { AuditEventType } from './events/index.ts'

export interface EventRow {
  readonly id: EventId
  readonly at: Date
  readonly type: AuditEventType
  /** Canonical JSON of the whole event. */
  readonly body: string
  readonly hash: Buffer
}

/** One INSERT, in the order given. */
export async function insertEvents(trx: Knex.Transaction, rows: readonly EventRow[]): Promise<void> {
  await trx('audit_events').insert([...rows])
}

/** What PostgreSQL's clock says, not what it said when a transaction began. */
export async function databaseTime(knex: Knex): Promise<Date> {
  const { rows } = await knex.raw<{ rows: { now: Date }[] }>('SELECT clock_timestamp() AS now')
  const [row] = rows
  if (row === undefined) throw new Error('this query gives a row')
  return row.now
}

/** The newest event of each alarm. Goes by an index made for it. */
export async function lastAlarmEvents(
  knex: Knex,
  since: Date,
): Promise<readonly { readonly alarm: string; readonly type: string; readonly at: Date }[]> {
  const { rows } = await knex.raw<{ rows: { alarm: string; type: string; at: Date }[] }>(
    `SELECT DISTINCT ON (alarm) body::jsonb ->> 'alarm' AS alarm, type, at FROM audit_events
      WHERE type IN ('alarm.raised', 'alarm.cleared') AND at >= ?
      ORDER BY alarm, seq DESC`,
    [since],
  )
  return rows
}

/** The bodies of what happened to a domain's rule, the newest first. Goes by an index made for it. */
export async function eventsAboutDomain(
  knex: Knex,
  domain: string,
  limit: number,
): Promise<readonly string[]> {
  return knex('audit_events')
    .whereIn('type', ['destination.set', 'destination.removed'])
    .whereRaw(`body::jsonb ->> 'domain' = ?`, [domain])
    .orderBy('seq', 'desc')
    .limit(limit)
    .pluck<string[]>('body')
}

/** Reads the whole table: for what is asked on the host, seldom. */
export async function bodiesOfType(knex: Knex, type: AuditEventType): Promise<readonly string[]> {
  return knex('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')
}
