import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { Alarms } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { syslogFailureOf } from '../../platform/syslog/index.ts'
import { leavesFrom } from '../leaves.ts'
import { inTurn } from '../turns/store.ts'
import { eventMessage } from './message.ts'
import { connectSiem, receiverName, type Siem } from './receiver.ts'
import { isDue, recordArrival, recordFailure, retireOthers } from './standing.ts'
import { findCursor, findStanding } from './store.ts'

export interface StreamDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>
  /** Undefined: there is none among the settings, which is recorded if there was one. */
  readonly siem: Siem | undefined
  /** Milliseconds between two passes while there is nothing to send. Default: 1000. */
  readonly every?: number
}

export interface Stream {
  /** One pass now; gives how many events are known to have arrived by it. Never rejects. */
  pass(): Promise<number>
  /** Cuts off the pass under way: what it sent is sent again. */
  stop(): Promise<void>
}

/** Events of one batch, and batches of one connection once all goes well. */
const batchSize = 500
const mostBatches = 32

/** How old, in milliseconds, the oldest event may be that the SIEM has not got. */
const mostBehind = 10 * 60_000

/**
 * Sends every event of the log to the SIEM in the order of the leaves, at least once, by whichever replica has its turn; by
 * itself, until it is stopped.
 */
export function openStream(dependencies: StreamDependencies): Stream {
  const { knex, clock, log, siem, every = 1_000 } = dependencies
  const stopping = new AbortController()
  let batches = 1
  const look = async (): Promise<number> => {
    if (siem === undefined) return 0
    let arrived = 0
    try {
      await inTurn(knex, 'stream', async () => {
        const sent = await sendNext(dependencies, siem, batches, stopping.signal)
        // After a failure in small steps, so that a slow receiver gets on.
        batches = sent === 'failed' ? 1 : Math.min(batches * 2, mostBatches)
        if (sent !== 'failed') arrived = sent
      })
      await judgeAge(dependencies)
    } catch (error) {
      log.error('stream-failed', error)
    }
    return arrived
  }
  // One at a time, also when a test asks for one.
  let under: Promise<unknown> = Promise.resolve()
  const pass = (): Promise<number> => {
    const next = under.then(look)
    under = next
    return next
  }
  const run = async (): Promise<void> => {
    await retireOthers(knex, clock, siem && receiverName(siem.receiver())).catch((error: unknown) =>
      log.error('stream-failed', error),
    )
    while (siem !== undefined && !stopping.signal.aborted) {
      if ((await pass()) > 0) continue
      await sleep(every, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    pass,
    async stop() {
      stopping.abort()
      await running
      await under
    },
  }
}

/** Gives how many events arrived. */
async function sendNext(
  { knex, clock, log }: StreamDependencies,
  siem: Siem,
  batches: number,
  stopping: AbortSignal,
): Promise<number | 'failed'> {
  const receiver = receiverName(siem.receiver())
  if (!isDue(await findStanding(knex, receiver), clock.now())) return 0
  const from = await findCursor(knex)
  if ((await leavesFrom(knex, from, 1)).length === 0) return 0
  let next: number
  try {
    next = await transmit(knex, siem, { from, batches, stopping })
  } catch (error) {
    if (stopping.aborted) return 0
    const reason = syslogFailureOf(error)
    log.error('stream-failed', error, { reason })
    await recordFailure(knex, clock, { receiver, reason })
    return 'failed'
  }
  // A crash here leaves events that arrived and are not known to have: the next pass sends them again.
  await recordArrival(knex, clock, { receiver, from, next })
  return next - from
}

/** Resolves, when all of it has arrived, with the first leaf that was not sent. */
async function transmit(
  knex: Knex,
  siem: Siem,
  {
    from,
    batches,
    stopping,
  }: { readonly from: number; readonly batches: number; readonly stopping: AbortSignal },
): Promise<number> {
  const connection = await connectSiem(siem, stopping)
  try {
    let next = from
    for (let batch = 0; batch < batches; batch++) {
      const events = await leavesFrom(knex, next, batchSize)
      const last = events.at(-1)
      if (last === undefined) break
      await connection.send(events.map(event => eventMessage(event, siem.origin)))
      next = last.leaf + 1
    }
    await connection.confirm()
    return next
  } finally {
    connection.close()
  }
}

/** By every replica, also one that has not its turn. */
async function judgeAge({ knex, clock, alarms }: StreamDependencies): Promise<void> {
  const [oldest] = await leavesFrom(knex, await findCursor(knex), 1)
  const behind = oldest !== undefined && clock.now().getTime() - oldest.at.getTime() > mostBehind
  if (behind) alarms.raise('stream_behind')
  else alarms.clear('stream_behind')
}
