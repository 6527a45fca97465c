import { setTimeout as sleep } from 'node:timers/promises'
import type { WebhookId } from '../../kernel/index.ts'
import { inBatches, type Logger } from '../../platform/index.ts'
import { type Attempted, type CallDependencies, makeCall, type Prepared, prepareCalls } from './call.ts'
import { openForgettingCalls } from './forget.ts'
import { recordAttempts } from './record.ts'
import { claimCalls } from './store.ts'

export interface CallerOptions extends CallDependencies {
  readonly log: Logger
  readonly random: () => number
  /** Whether anything may be told at all now. Default: always. */
  readonly isSound?: () => boolean
  /** Milliseconds between two looks for what is due. Default 500. */
  readonly every?: number
  /** Milliseconds that a call is left to a replica which says nothing of it. Default 60,000: no call takes as long. */
  readonly lease?: number
  /** Calls at once: of one webhook, and of all. Default 4 and 128. */
  readonly perWebhook?: number
  readonly atOnce?: number
}

export interface Caller {
  /** Makes no more calls; waits for those under way, that many milliseconds at most. */
  stop(deadline: number): Promise<void>
}

/** Calls webhooks, until it is stopped. Any number of replicas share the work. */
export function startCaller(options: CallerOptions): Caller {
  const {
    knex,
    clock,
    log,
    isSound = () => true,
    every = 500,
    lease = 60_000,
    perWebhook = 4,
    atOnce = 128,
  } = options
  const underWay = new Map<string, { readonly webhook: WebhookId; readonly end: Promise<void> }>()
  const record = inBatches(256, async (attempts: readonly Attempted[]) => {
    await recordAttempts(options, attempts)
    return attempts
  })
  let stopped = false
  // What ends the pause between two looks.
  let wake = (): void => undefined

  const make = async (prepared: Prepared): Promise<void> => {
    const { call } = prepared
    const attempted = await makeCall(options, prepared)
    // A crash here leaves a call that was made and not recorded: its lease ends, it is made again under the same id.
    await record(attempted)
    const { end, status, failure } = attempted
    const fields = { webhook: call.webhook, attempt: call.attempts, status, reason: failure }
    if (end === 'delivered') log.debug('webhook-called', fields)
    else log.warn('webhook-call-failed', fields)
  }

  const start = (prepared: Prepared): void => {
    const { id, webhook } = prepared.call
    const end = make(prepared)
      .catch((error: unknown) => log.error('webhook-call-unrecorded', error, { webhook }))
      .finally(() => {
        underWay.delete(id)
        wake()
      })
    underWay.set(id, { webhook, end })
  }

  const look = async (): Promise<void> => {
    const places = atOnce - underWay.size
    if (places <= 0 || !isSound()) return
    const now = clock.now()
    const inHand = new Map<WebhookId, number>()
    for (const { webhook } of underWay.values()) inHand.set(webhook, (inHand.get(webhook) ?? 0) + 1)
    const leaseUntil = new Date(now.getTime() + lease)
    const claimed = await claimCalls(knex, { now, leaseUntil, places, perWebhook, inHand })
    if (claimed.length === 0) return
    for (const prepared of await prepareCalls(options, claimed)) start(prepared)
  }

  const run = async (): Promise<void> => {
    while (!stopped) {
      const pause = new Promise<void>(resolve => {
        const timer = setTimeout(resolve, every)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      await look().catch((error: unknown) => log.error('webhooks-unread', error))
      await pause
      // Others that end at the same time come along.
      await sleep(Math.min(10, every))
    }
  }
  const running = run()
  const forgetting = openForgettingCalls(options)

  return {
    async stop(deadline) {
      stopped = true
      forgetting.stop()
      wake()
      await running
      const ends = [...underWay.values()].map(({ end }) => end)
      await Promise.race([Promise.all(ends), sleep(deadline, undefined, { ref: false })])
    },
  }
}
