import { setTimeout as sleep } from 'node:timers/promises'
import { databaseTime } from '../../../audit/index.ts'
import { recordAnchored } from '../../../audit-log/index.ts'
import type { Logger } from '../../../platform/index.ts'
import { dayOf, periodOf } from '../daily-review.ts'
import { firstEventAt } from '../store.ts'
import { makeReport, type ReportingParts } from './make.ts'
import { lastReportedDay, mailedCheckpoints } from './store.ts'

const msPerDay = 86_400_000
/** The hour, UTC, from which on the day before is reported. */
const hour = 6
/** Days that no replica was there for are made up for, the last so many. */
const mostMissed = 31

export interface Reporting {
  /** One look now; for tests. Never rejects. */
  pass(): Promise<void>
  /** Waits for the look under way. */
  stop(): Promise<void>
}

/**
 * Looks each minute whether a report is due: each day from 06:00 UTC on, or as soon as a replica is there after that; each is made once
 * over all replicas, those of days that were missed as well. A checkpoint that such a mail carried counts as anchored by `mail` once a
 * mail server took it. There is no report of a day before the log began.
 */
export function openReporting(
  parts: ReportingParts & { readonly log: Logger; readonly every?: number },
): Reporting {
  const { knex, clock, log, every = 60_000 } = parts
  const stopping = new AbortController()

  const look = async (): Promise<void> => {
    try {
      const began = await firstEventAt(knex)
      // A clock that is ahead would have days reported before they were, and so never; two clocks are harder to turn than one.
      const now = new Date(Math.min(clock.now().getTime(), (await databaseTime(knex)).getTime()))
      for (const day of dueDays(now, await lastReportedDay(knex))) {
        if (began === undefined || periodOf(day).until <= began) continue
        // A crash before its transaction ends leaves nothing: the next look makes it.
        if (stopping.signal.aborted) return
        if (await makeReport(parts, day)) log.info('review-reported')
      }
      for (const size of await mailedCheckpoints(knex))
        await recordAnchored(knex, clock, { anchor: 'mail', size })
    } catch (error) {
      log.error('review-failed', error)
    }
  }
  let under = Promise.resolve()
  const pass = (): Promise<void> => (under = under.then(look))
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pass()
      await sleep(every, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    pass,
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** The days to report, the oldest first. Without any report before, only the last one. */
export function dueDays(now: Date, last: string | undefined): readonly string[] {
  const due = startOfDay(new Date(now.getTime() - hour * 3_600_000)) - msPerDay
  const first =
    last === undefined
      ? due
      : Math.max(new Date(`${last}T00:00:00Z`).getTime() + msPerDay, due - (mostMissed - 1) * msPerDay)
  const days: string[] = []
  for (let at = first; at <= due; at += msPerDay) days.push(dayOf(new Date(at)))
  return days
}

function startOfDay(at: Date): number {
  return new Date(`${dayOf(at)}T00:00:00Z`).getTime()
}
