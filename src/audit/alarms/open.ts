import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { recordEvent } from '../append.ts'
import { type AlarmCode, alarmCatalogue } from './catalogue.ts'

export interface ActiveAlarm {
  readonly code: AlarmCode
  readonly since: Date
}

/** What is wrong on this replica and needs somebody to look. Raising what is raised, and clearing what is not, does nothing. */
export interface Alarms {
  raise(code: AlarmCode): void
  clear(code: AlarmCode): void
  /** In the order in which they were raised. */
  active(): readonly ActiveAlarm[]
}

export interface OpenedAlarms extends Alarms {
  /** Whether no alarm stands that stops the replica. */
  isSound(): boolean
  /** Throws `audit_unavailable` unless it is so. */
  assertSound(): void
  /** Resolves while no such alarm stands; what it asked is asked again before each step that cannot be undone. */
  whenSound(): Promise<void>
  /** Tries for the last time to record what is not yet recorded. */
  close(): Promise<void>
}

interface AlarmDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds until a raise or clear that could not be recorded is tried again. Default: 1000. */
  readonly pause?: number
}

/**
 * Alarms of one replica. Each raise and clear is logged at once, and recorded as `alarm.raised` or `alarm.cleared` as soon
 * as the log can be written, in order.
 */
export function openAlarms({ knex, clock, log, pause = 1000 }: AlarmDependencies): OpenedAlarms {
  const raised = new Map<AlarmCode, Date>()
  const closing = new AbortController()
  let unrecorded: { readonly type: 'alarm.raised' | 'alarm.cleared'; readonly alarm: AlarmCode }[] = []
  let recording: Promise<void> | undefined
  let sound = Promise.resolve()
  let becomeSound: (() => void) | undefined

  const active = (): readonly ActiveAlarm[] => [...raised].map(([code, since]) => ({ code, since }))

  const judge = (): void => {
    if (!stopsReplica(active())) {
      becomeSound?.()
      becomeSound = undefined
    } else if (becomeSound === undefined) {
      sound = new Promise(resolve => {
        becomeSound = resolve
      })
    }
  }

  const record = async (): Promise<void> => {
    for (let event = unrecorded[0]; event !== undefined; event = unrecorded[0]) {
      try {
        await recordEvent(knex, clock, { kind: 'gateway' }, event)
        unrecorded.shift()
      } catch (error) {
        log.debug('alarm-unrecorded', { code: event.alarm })
        if (closing.signal.aborted) throw error
        await sleep(pause, undefined, { signal: closing.signal, ref: false }).catch(() => {})
      }
    }
  }

  const note = (type: 'alarm.raised' | 'alarm.cleared', alarm: AlarmCode): void => {
    unrecorded.push({ type, alarm })
    // An alarm that comes and goes while nothing can be recorded: what stands in the end is what matters.
    if (unrecorded.length > mostUnrecorded)
      unrecorded = unrecorded.slice(0, 1).concat(unrecorded.slice(-mostUnrecorded / 2))
    recording ??= record()
      .catch((error: unknown) => log.error('audit-failed', error))
      .finally(() => {
        recording = undefined
      })
  }

  return {
    raise(code) {
      if (raised.has(code)) return
      raised.set(code, clock.now())
      judge()
      log.error('alarm-raised', undefined, { code })
      note('alarm.raised', code)
    },
    clear(code) {
      if (!raised.delete(code)) return
      judge()
      log.info('alarm-cleared', { code })
      note('alarm.cleared', code)
    },
    active,
    isSound: () => !stopsReplica(active()),
    assertSound() {
      if (stopsReplica(active())) throw new SealpostError('audit_unavailable')
    },
    whenSound: () => sound,
    async close() {
      closing.abort()
      await recording
    },
  }
}

const mostUnrecorded = 64

/** Whether a replica with these alarms may take messages and send them. */
function stopsReplica(active: readonly ActiveAlarm[]): boolean {
  return active.some(({ code }) => alarmCatalogue[code].stops)
}
