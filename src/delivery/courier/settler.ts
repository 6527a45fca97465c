import { setTimeout as sleep } from 'node:timers/promises'
import { SealpostError } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { AttemptResult } from './attempt.ts'
import { type SettleDependencies, settle } from './settle.ts'

export interface Settler {
  /** Takes a result over. It is kept, and tried again, until it is recorded. */
  add(result: AttemptResult): void
  /** Resolves while results can be recorded. While they cannot, nothing is to be sent (invariant 4). */
  whenSound(): Promise<void>
  /** Resolves when everything added is recorded, or at the deadline (of `performance.now()`). */
  flush(deadline: number): Promise<void>
}

const batchSize = 256
/** Nobody waits for a record, so a few milliseconds let many share a commit. */
const gather = 20

/** Records results in the background, many per transaction: a commit costs the same for one as for hundreds. `pause`: milliseconds after a failure. */
export function openSettler(
  dependencies: SettleDependencies,
  pause: number,
  log: Logger,
  onRecorded: (result: AttemptResult) => void,
): Settler {
  let pending: AttemptResult[] = []
  // Those that failed where others succeeded: what they lack is their own, so they hold up nobody.
  const odd = new WeakSet<AttemptResult>()
  let running = false
  let sound = Promise.resolve()
  let becomeSound: (() => void) | undefined

  const setSound = (value: boolean): void => {
    if (value) {
      becomeSound?.()
      becomeSound = undefined
    } else if (becomeSound === undefined) {
      sound = new Promise(resolve => {
        becomeSound = resolve
      })
    }
  }

  /** Gives what could not be recorded. */
  const record = async (batch: readonly AttemptResult[]): Promise<AttemptResult[]> => {
    try {
      for (const { held, outcome } of await settle(dependencies, batch)) {
        log.warn('delivery-overtaken', { delivery: held.delivery.id, outcome })
      }
      for (const result of batch) onRecorded(result)
      return []
    } catch (error) {
      log.error('results-unrecorded', error, { count: batch.length })
      // One bad row must not hold the others; a database that is away holds them all.
      if (batch.length === 1 || (error instanceof SealpostError && error.temporary)) return [...batch]
      const left: AttemptResult[] = []
      for (const result of batch) left.push(...(await record([result])))
      return left
    }
  }

  const run = async (): Promise<void> => {
    while (pending.length > 0) {
      const batch = pending.slice(0, batchSize)
      pending = pending.slice(batchSize)
      // A crash here leaves attempts that were made and not recorded: their jobs' heartbeats end, they are made again.
      const left = await record(batch)
      if (left.length > 0 && left.length < batch.length) for (const result of left) odd.add(result)
      setSound(left.length < batch.length || left.every(result => odd.has(result)))
      pending.push(...left)
      await sleep(left.length > 0 ? pause : gather)
    }
    running = false
  }

  return {
    add(result) {
      pending.push(result)
      if (running) return
      running = true
      setTimeout(() => void run(), gather)
    },
    whenSound: () => sound,
    async flush(deadline) {
      while (running && performance.now() < deadline) await sleep(5)
    },
  }
}
