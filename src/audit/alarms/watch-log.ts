import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import { eventRow } from '../append.ts'
import { insertEvents } from '../store.ts'
import { type AppendFailure, appendFailures } from './append-failures.ts'
import type { Alarms } from './open.ts'

interface WatchDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly alarms: Alarms
  /** Milliseconds between two tries to write while the log cannot be written. Default: 1000. */
  readonly pause?: number
}

/** A refused event is bad code, or somebody's attempt; the daily report is sure to name it. */
const refusedLasts = 86_400_000

/**
 * Raises `audit_append_failed` and `audit_event_refused` when `appendEvents` fails, and clears them: the first as soon as an
 * event could be written again, the second a day after the last refusal. Gives how to stop.
 */
export function watchLog({ knex, clock, alarms, pause = 1000 }: WatchDependencies): () => void {
  let next: NodeJS.Timeout | undefined
  let forgetting: NodeJS.Timeout | undefined
  let stopped = false

  const probe = async (): Promise<void> => {
    const works = await canAppend(knex, clock)
    next = undefined
    if (stopped) return
    if (works) alarms.clear('audit_append_failed')
    else schedule()
  }
  const schedule = (): void => {
    next = setTimeout(() => void probe(), pause).unref()
  }

  const told = (failure: unknown): void => {
    if ((failure as AppendFailure) === 'unwritable') {
      alarms.raise('audit_append_failed')
      if (next === undefined) schedule()
    } else {
      alarms.raise('audit_event_refused')
      clearTimeout(forgetting)
      forgetting = setTimeout(() => alarms.clear('audit_event_refused'), refusedLasts).unref()
    }
  }
  appendFailures.subscribe(told)
  return () => {
    stopped = true
    appendFailures.unsubscribe(told)
    clearTimeout(next)
    clearTimeout(forgetting)
  }
}

/** Whether an event can be written: one is, and then taken back. */
async function canAppend(knex: Knex, clock: Clock): Promise<boolean> {
  const takenBack = new Error('taken back')
  try {
    await knex.transaction(async trx => {
      const event = { type: 'alarm.cleared', alarm: 'audit_append_failed' } as const
      await insertEvents(trx, [eventRow({ actor: { kind: 'gateway' }, event }, clock)])
      throw takenBack
    })
    return true
  } catch (error) {
    return error === takenBack
  }
}
