import type { Knex } from 'knex'
import type { Alarms } from '../audit/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import type { NoteSigner } from '../tlog/index.ts'

export interface SequencerDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** The log's key; its name is the log's origin. */
  readonly key: NoteSigner
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>
  /** Milliseconds between passes. Default: 250. */
  readonly every?: number
}

export interface Sequencer {
  /** Takes in what can be taken in now, at most one batch. Gives how many events; does nothing while another replica is at it. */
  pass(): Promise<number>
  /** Resolves when the pass under way has ended. */
  stop(): Promise<void>
}

/** Takes committed events into the log, by itself, until it is stopped. */
export function openSequencer(_dependencies: SequencerDependencies): Sequencer {
  throw new Error('not yet')
}
