import type { Knex } from 'knex'
import type { AuditEventType } from '../audit/index.ts'

/** An event in its place in the log. */
export interface LoggedEvent {
  readonly leaf: number
  readonly id: string
  readonly type: AuditEventType
  readonly at: Date
  /** The leaf's data: the canonical JSON. */
  readonly body: string
}

/** Events in the log's order, from leaf `first` on, at most `limit`. Those whose bodies have left for an archive are not among them. */
export async function leavesFrom(
  _knex: Knex,
  _first: number,
  _limit: number,
): Promise<readonly LoggedEvent[]> {
  throw new Error('not yet')
}

/** The leaf of each of these events, by id, of those that are in the log already. */
export async function leafOfEvents(
  _knex: Knex,
  _ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  throw new Error('not yet')
}
