import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Alarms } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { NoteSigner } from '../../tlog/index.ts'
import { Inconsistency } from './inconsistency.ts'
import { type Memory, nothing, passOnce, startingPlace } from './pass.ts'
import { firstWaiting, standingOfLog } from './store.ts'

export interface SequencerDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** The log's key; its name is the log's origin. */
  readonly key: NoteSigner
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>
  /** Milliseconds between passes. Default: 500. */
  readonly every?: number
  /** Events in one pass at most. Default: 16384. */
  readonly batch?: number
}

export interface Sequencer {
  /**
   * Takes in what can be taken in now, at most one batch, and gives how many events that were; 0 while another replica is
   * at it, and ever after an inconsistency. Rejects with an `Inconsistency`, and with what the database says.
   */
  pass(): Promise<number>
  /** Resolves when the pass under way has ended. */
  stop(): Promise<void>
}

/** Milliseconds that an event may wait before that is an alarm. */
const patience = 10_000
/** One look may find old events that the next pass takes in, as after an unseal. */
const mostLooksLate = 5

/**
 * Takes committed events into the log, pass after pass, until it is stopped. Any number of replicas may do so: a lock in the database
 * lets one pass at a time through. Events that wait for too long raise `audit_log_behind`; a database that is not the log that was
 * signed raises `audit_log_inconsistent` and ends it for good.
 */
export function openSequencer(dependencies: SequencerDependencies): Sequencer {
  const { knex, clock, log, key, alarms, every = 500, batch = 16_384 } = dependencies
  const stopping = new AbortController()
  let memory: Memory = nothing
  let broken = false
  let goingOn: Promise<unknown> = Promise.resolve()

  const pass = async (): Promise<{ taken: number; more: boolean }> => {
    if (broken) return { taken: 0, more: false }
    try {
      const passed = await passOnce({ knex, clock, key, batch }, memory)
      memory = passed.memory
      return passed
    } catch (error) {
      if (error instanceof Inconsistency) {
        broken = true
        log.error('audit-log-inconsistent', error, { reason: error.found })
        alarms.raise('audit_log_inconsistent')
      }
      throw error
    }
  }
  const inTurn = <Result>(task: () => Promise<Result>): Promise<Result> => {
    const turn = goingOn.then(task)
    goingOn = turn.catch(() => undefined)
    return turn
  }

  let looksLate = 0
  /** Gives whether there may be more at once. */
  const look = async (): Promise<boolean> => {
    const { last, xmin, xmax } = await standingOfLog(knex)
    const waiting = await firstWaiting(knex, startingPlace(last?.place, memory.reached, xmax), xmax)
    looksLate =
      waiting !== undefined && clock.now().getTime() - waiting.at.getTime() > patience ? looksLate + 1 : 0
    if (looksLate >= mostLooksLate) alarms.raise('audit_log_behind')
    if (looksLate === 0) alarms.clear('audit_log_behind')
    const isNew = memory.restored !== undefined
    // What is not below xmin waits for a transaction that is still open.
    return isNew || (waiting !== undefined && waiting.xact < xmin) ? (await inTurn(pass)).more : false
  }

  const run = async (): Promise<void> => {
    let failing = false
    let wellAt = clock.now()
    while (!stopping.signal.aborted && !broken) {
      const more = await look().then(
        value => {
          failing = false
          wellAt = clock.now()
          return value
        },
        (error: unknown) => {
          if (!failing && !broken) log.error('sequencing-failed', error)
          failing = true
          if (!broken && clock.now().getTime() - wellAt.getTime() > patience) alarms.raise('audit_log_behind')
          return false
        },
      )
      if (!more) await sleep(every, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    pass: async () => (await inTurn(pass)).taken,
    async stop() {
      stopping.abort()
      await running
      await goingOn
    },
  }
}
