import type { Knex } from 'knex'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { deleteUpdates } from './store.ts'

/** Days that updates are kept. */
const kept = 7
const hour = 3_600_000
const batch = 5_000

/** Forgets, now and each hour, the updates that were kept long enough. */
export function openForgettingUpdates(knex: Knex, clock: Clock, log: Logger): { stop(): void } {
  const forget = async (): Promise<void> => {
    const before = new Date(clock.now().getTime() - kept * 24 * hour)
    try {
      while ((await deleteUpdates(knex, before, batch)) === batch);
    } catch (error) {
      log.error('updates-kept', error)
    }
  }
  void forget()
  const timer = setInterval(() => void forget(), hour).unref()
  return { stop: () => clearInterval(timer) }
}
