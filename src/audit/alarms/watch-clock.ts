import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { recordEvent } from '../append.ts'
import { databaseTime } from '../store.ts'
import type { Alarms } from './open.ts'

/** How far two clocks may be apart, in milliseconds (PCI DSS 10.6.1: they agree). */
export const clockTolerance = 2_000

interface ClockWatchDependencies {
  readonly knex: Knex
  /** The replica's own. */
  readonly clock: Clock
  /** Milliseconds that passed, whatever anybody does to the clock. */
  readonly monotonic: () => number
  readonly log: Logger
  readonly alarms: Alarms
  /** Milliseconds between two checks. Default: a minute. */
  readonly every?: number
}

export interface ClockWatch {
  /** One check now. Never rejects. */
  check(): Promise<void>
  stop(): void
}

type Wrong = { readonly against: 'database' | 'jump'; readonly differenceMs: number }

/** An event has no number of more than eleven digits; a clock that is three years wrong is wrong enough. */
const mostTold = 99_999_999_999

const toldAgainAfter = 3_600_000

/**
 * Compares the replica's clock with PostgreSQL's, and with the time that passed since the last check, now and each minute.
 * More than two seconds of difference raise `clock_wrong`; the first check that finds nothing clears it. Says which clocks
 * disagree, not which is right: where both hosts are wrong alike, only a time service tells.
 */
export function watchClock(dependencies: ClockWatchDependencies): ClockWatch {
  const { clock, monotonic, log, every = 60_000 } = dependencies
  let last = { wall: clock.now().getTime(), steady: monotonic() }
  let toldAt: number | undefined

  const jumped = (): number => {
    const now = { wall: clock.now().getTime(), steady: monotonic() }
    const jump = now.wall - last.wall - (now.steady - last.steady)
    last = now
    return jump
  }

  const tell = async (found: Wrong): Promise<void> => {
    log.error('clock-wrong', undefined, { reason: found.against, durationMs: found.differenceMs })
    if (toldAt !== undefined && monotonic() - toldAt < toldAgainAfter) return
    await recordEvent(
      dependencies.knex,
      clock,
      { kind: 'gateway' },
      {
        type: 'clock.wrong',
        against: found.against,
        differenceMs: Math.max(-mostTold, Math.min(mostTold, found.differenceMs)),
      },
    )
    toldAt = monotonic()
  }

  const look = async (): Promise<void> => {
    const jump = Math.round(jumped())
    // A database that does not answer says nothing about the time; that it is away is told elsewhere.
    const apart = await aheadOfDatabase(dependencies).catch(() => undefined)
    const found: Wrong[] = []
    if (Math.abs(jump) > clockTolerance) found.push({ against: 'jump', differenceMs: jump })
    if (apart !== undefined && Math.abs(apart) > clockTolerance) {
      found.push({ against: 'database', differenceMs: apart })
    }
    const [wrong] = found
    if (wrong !== undefined) {
      dependencies.alarms.raise('clock_wrong')
      await tell(wrong).catch((error: unknown) => log.error('audit-failed', error))
    } else if (apart !== undefined) {
      dependencies.alarms.clear('clock_wrong')
      toldAt = undefined
    }
  }

  // One at a time.
  let under = Promise.resolve()
  const check = (): Promise<void> => (under = under.then(look))
  void check()
  const timer = setInterval(() => void check(), every).unref()
  return { check, stop: () => clearInterval(timer) }
}

/**
 * Milliseconds, whole, by which our clock is at least ahead of PostgreSQL's; negative when it is behind. What the answer's way
 * took is uncertain and counted as agreement.
 */
async function aheadOfDatabase({ knex, clock, monotonic }: ClockWatchDependencies): Promise<number> {
  const started = monotonic()
  const asked = clock.now().getTime()
  const theirs = (await databaseTime(knex)).getTime()
  const took = monotonic() - started
  const difference = asked + took / 2 - theirs
  return Math.round(Math.sign(difference) * Math.max(0, Math.abs(difference) - took / 2))
}
