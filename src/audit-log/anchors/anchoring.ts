import type { Knex } from 'knex'
import type { Alarms } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { Anchor } from './anchor.ts'

export interface AnchoringDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Alarms
  readonly anchors: readonly Anchor[]
  /** Milliseconds between two passes. */
  readonly every: number
}

export interface Anchoring {
  /** One pass now; for tests. Never rejects. */
  pass(): Promise<void>
  /** Waits for the pass under way. */
  stop(): Promise<void>
}

/**
 * Takes the newest checkpoint to every anchor that has not got it, at once and then in each interval, by whichever replica holds
 * the lock.
 */
export function openAnchoring(_dependencies: AnchoringDependencies): Anchoring {
  throw new Error('not yet')
}
