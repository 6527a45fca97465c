import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { deleteCalls } from './store.ts'

/** How long settled calls are kept, in milliseconds. */
const kept = 86_400_000
const hour = 3_600_000
const batch = 5_000

/** Forgets, now and each hour, calls that were settled long enough ago, and those of webhooks that are called no more. */
export function openForgettingCalls({
  knex,
  clock,
  log,
}: {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
}): { stop(): void } {
  const forget = async (): Promise<void> => {
    const before = new Date(clock.now().getTime() - kept)
    try {
      while ((await deleteCalls(knex, before, batch)) >= batch);
    } catch (error) {
      log.error('webhook-calls-kept', error)
    }
  }
  void forget()
  const timer = setInterval(() => void forget(), hour).unref()
  return { stop: () => clearInterval(timer) }
}
