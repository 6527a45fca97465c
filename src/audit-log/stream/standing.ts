import type { Knex } from 'knex'
import { type AuditEvent, appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { SyslogFailure } from '../../platform/syslog/index.ts'
import { leavesFrom } from '../leaves.ts'
import { receiverName } from './receiver.ts'
import {
  deleteOtherStandings,
  findCursor,
  findStanding,
  moveCursor,
  type StreamStanding,
  saveStanding,
} from './store.ts'

// A receiver that is back is found within this time; one that comes and goes is told of no more often than that. Milliseconds.
const longestPause = 5 * 60_000
const tellAgain = 10 * 60_000

/** Whether the receiver is to be tried now: twice as long after each failure in a row, from a second on. */
export function isDue(standing: StreamStanding | undefined, now: Date): boolean {
  if (standing === undefined || standing.failures === 0) return true
  const pause = Math.min(1_000 * 2 ** Math.min(standing.failures - 1, 20), longestPause)
  // What was tried in the future was tried by a clock that is wrong.
  const passed = now.getTime() - standing.triedAt.getTime()
  return passed < 0 || passed >= pause
}

export interface StreamProgress {
  /** How many tries in a row failed. */
  readonly failures: number
  /** Since when the oldest event waits that has not arrived; undefined when all have. */
  readonly waitingSince: Date | undefined
}

/** How the stream to this receiver is, as the database knows it. */
export async function streamProgress(
  knex: Knex,
  receiver: { readonly host: string; readonly port: number },
): Promise<StreamProgress> {
  const [oldest] = await leavesFrom(knex, await findCursor(knex), 1)
  const standing = await findStanding(knex, receiverName(receiver))
  return { failures: standing?.failures ?? 0, waitingSince: oldest?.at }
}

/**
 * Keeps that everything before leaf `next` arrived, with its event when the receiver is a new one or had failed. The stream tells
 * of itself in what it streams; so there is an event only where something changes, never for what goes on as before.
 */
export async function recordArrival(
  knex: Knex,
  clock: Clock,
  { receiver, from, next }: { readonly receiver: string; readonly from: number; readonly next: number },
): Promise<void> {
  const now = clock.now()
  await knex.transaction(async trx => {
    const before = await findStanding(trx, receiver)
    await moveCursor(trx, next, now)
    await saveStanding(trx, {
      receiver,
      started: true,
      triedAt: now,
      failures: 0,
      told: false,
      toldAt: before?.toldAt ?? null,
    })
    if (before?.started !== true) await tell(trx, clock, { type: 'stream.started', receiver, leaf: from })
    else if (before.told) await tell(trx, clock, { type: 'stream.recovered', receiver, leaf: from })
  })
}

/** Keeps that it did not, with its event unless the log says so already or said so minutes ago. */
export async function recordFailure(
  knex: Knex,
  clock: Clock,
  { receiver, reason }: { readonly receiver: string; readonly reason: SyslogFailure | 'error' },
): Promise<void> {
  const now = clock.now()
  await knex.transaction(async trx => {
    const before = await findStanding(trx, receiver)
    const toldAt = before?.toldAt ?? null
    const quiet = toldAt === null || now.getTime() - toldAt.getTime() >= tellAgain
    const tells = before?.told !== true && quiet
    await saveStanding(trx, {
      receiver,
      started: before?.started ?? false,
      triedAt: now,
      failures: (before?.failures ?? 0) + 1,
      told: tells || (before?.told ?? false),
      toldAt: tells ? now : toldAt,
    })
    if (tells)
      await tell(trx, clock, { type: 'stream.failed', receiver, reason, leaf: await findCursor(trx) })
  })
}

/** Forgets receivers that are no longer among the settings, and says so of those that took something. How far the stream came is kept. */
export async function retireOthers(knex: Knex, clock: Clock, receiver: string | undefined): Promise<void> {
  await knex.transaction(async trx => {
    const leaf = await findCursor(trx)
    for (const gone of await deleteOtherStandings(trx, receiver ?? '')) {
      await tell(trx, clock, { type: 'stream.stopped', receiver: gone, leaf })
    }
  })
}

function tell(trx: Knex.Transaction, clock: Clock, event: AuditEvent): Promise<void> {
  return appendEvents(trx, clock, [{ actor: { kind: 'gateway' }, event }])
}
