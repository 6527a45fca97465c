import { setTimeout as sleep } from 'node:timers/promises'
import { type NoticeResult, settleNotice } from '../../notices/index.ts'
import type { NoticeCourierOptions } from './courier.ts'

export interface Recorder {
  /** Resolves when the result is recorded; it is tried until then. */
  record(result: NoticeResult): Promise<void>
  /** Resolves while results can be recorded. While they cannot, nothing is to be sent (invariant 4). */
  whenSound(): Promise<void>
  /** Tries no longer. */
  giveUp(): void
}

export function openRecorder({
  knex,
  clock,
  log,
  policy,
}: Pick<NoticeCourierOptions, 'knex' | 'clock' | 'log' | 'policy'>): Recorder {
  let unrecorded = 0
  const tired = new AbortController()
  let sound = Promise.resolve()
  let becomeSound: (() => void) | undefined

  const count = (by: 1 | -1): void => {
    unrecorded += by
    if (unrecorded === 0) {
      becomeSound?.()
      becomeSound = undefined
    } else if (becomeSound === undefined) {
      sound = new Promise(resolve => {
        becomeSound = resolve
      })
    }
  }

  return {
    async record(result) {
      const { claimed, outcome, host } = result
      const attempt = { notice: claimed.id, outcome, host, attempt: claimed.attempts }
      let counted = false
      while (!tired.signal.aborted) {
        // A crash here, after the server's 250, leaves a notice that is sent again: the same Message-ID, the same bytes.
        try {
          await settleNotice(knex, clock, result)
          log[result.sent ? 'debug' : 'info']('notice-attempted', attempt)
          break
        } catch (error) {
          log.error('notice-unrecorded', error, attempt)
          if (!counted) count(1)
          counted = true
          await sleep(policy.pause)
        }
      }
      if (counted) count(-1)
    },
    whenSound: () => sound,
    giveUp() {
      tired.abort()
    },
  }
}
