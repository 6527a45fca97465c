import type { Knex } from 'knex'
import type { AuditEventType } from '../audit/index.ts'
import { eventsFromLeaf, leavesOfIds } from './store.ts'

/** An event in its place in the log. */
export interface LoggedEvent {
  readonly leaf: number
  readonly id: string
  readonly type: AuditEventType
  readonly at: Date
  /** The leaf's data: the canonical JSON. */
  readonly body: string
}

/**
 * Events in the log's order, from leaf `first` on, at most `limit`; each is under a signed checkpoint. Events that have left for an
 * archive are passed over.
 */
export function leavesFrom(knex: Knex, first: number, limit: number): Promise<readonly LoggedEvent[]> {
  return eventsFromLeaf(knex, first, limit)
}

/** The leaf of each of these events, by id, of those that are in the log already. */
export async function leafOfEvents(knex: Knex, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await leavesOfIds(knex, ids)
  return new Map(rows.map(({ id, leaf }) => [id, leaf]))
}
