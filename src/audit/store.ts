import type { Knex } from 'knex'
import type { EventId } from '../kernel/index.ts'
import type { AuditEventType } from './event.ts'

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
