import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { fromKnex } from 'pg-boss'
import { type Clock, type DeliveryId, isId } from '../../kernel/index.ts'
import { deliverQueue, type Logger } from '../../platform/index.ts'
import type { RevocationCheck } from '../../platform/revocation/index.ts'
import { checkStillUsable } from '../../recipients/index.ts'
import type { SignMail } from '../dkim/sign.ts'
import { insertJobs, type Queue } from '../enqueue.ts'
import { giveUpWhatIsOver } from '../quarantine/give-up.ts'
import type { FindRoute } from '../route/route.ts'
import { findPending, isExpired } from '../store.ts'
import { attackRecorder } from './attacks.ts'
import { type Admit, type HeldDelivery, sendDelivery, unsent } from './attempt.ts'
import { openBreaker } from './breaker.ts'
import { openBudget } from './budget.ts'
import { findWay, noteOutcome } from './connect.ts'
import { openGate } from './gate.ts'
import { openLanes } from './lanes.ts'
import { openLastCheck, type PolicyAt } from './last-check.ts'
import type { CourierPolicy } from './policy.ts'
import { openSettler } from './settler.ts'

export interface CourierOptions {
  readonly knex: Knex
  readonly queue: Queue
  readonly clock: Clock
  readonly log: Logger
  /** Our name in EHLO. */
  readonly mailHost: string
  readonly findRoute: FindRoute
  /** PEM; undefined means the Mozilla roots of Node. */
  readonly publicCa: string | undefined
  /** What is known of revocations of servers' certificates. Default: nothing. */
  readonly revocation?: RevocationCheck
  readonly admit: Admit
  /** Signs what is sent (DKIM). Default: nobody does. */
  readonly sign?: SignMail
  /** Our domain that reports on deliveries come back to. Default: they go to the sender. */
  readonly returnPathDomain?: string | undefined
  readonly policyAt: PolicyAt
  /** Resolves while anything may be sent at all. Default: always. */
  readonly whenSound?: () => Promise<void>
  readonly policy: CourierPolicy
  readonly random: () => number
}

export interface Courier {
  /**
   * Takes nothing new, hands back what waits, lets sessions finish for at most `deadline` milliseconds, cuts the rest,
   * and records what is known.
   */
  stop(deadline: number): Promise<void>
}

const batchSize = 128

/**
 * Starts sending what is queued. Whatever fails is logged and tried again; a courier ends only by `stop`. Any number may
 * run: a job is given to one, and the count of attempts fences off one that was thought dead.
 */
export function startCourier(options: CourierOptions): Courier {
  const { knex, queue, clock, log, policy } = options
  const held = new Map<DeliveryId, HeldDelivery>()
  const left: HeldDelivery[] = []
  const stopping = new AbortController()
  const budget = openBudget(policy.ciphertextBytes)
  const lastCheck = openLastCheck(knex, clock, options.policyAt)
  const settler = openSettler(
    { ...options, retry: policy.retry, strikes: policy.strikes },
    policy.pause,
    log,
    result => held.delete(result.held.delivery.id),
  )
  const channelOptions = { ...options, limits: policy.limits, onAttack: attackRecorder(knex, clock) }

  // Nothing is sent while the audit log cannot be written, or results cannot be recorded.
  const gate = openGate([options.whenSound ?? (() => Promise.resolve()), () => settler.whenSound()])
  const breaker = openBreaker(policy.rest, options.random, () => performance.now())
  const ways = { ...options, breaker, channel: channelOptions }

  const lanes = openLanes({
    clock,
    policy,
    findWay: domain => findWay(ways, domain),
    async send(delivery, connection) {
      const giveBack = await budget.take(delivery.delivery.bytes)
      try {
        const result = await sendDelivery({ ...options, lastCheck }, delivery, connection)
        if (result !== undefined) noteOutcome(breaker, connection.peer, result)
        return result
      } finally {
        giveBack()
      }
    },
    ready: () => gate.whenOpen(),
    onResult: result => {
      const { outcome, peer } = result
      const delivery = result.held.delivery.id
      log[outcome === 'delivered' ? 'debug' : 'info']('attempt-finished', {
        delivery,
        outcome,
        host: peer?.host,
      })
      settler.add(result)
    },
    onLeft: delivery => left.push(delivery),
    onDropped: ({ delivery }, error) => {
      held.delete(delivery.id)
      if (error !== undefined) log.error('attempt-abandoned', error, { delivery: delivery.id })
    },
  })

  /** To the end of the queue, for anyone to take when the time is over. */
  const handBack = async (
    waiting: readonly (HeldDelivery & { readonly delayMs?: number })[],
  ): Promise<void> => {
    if (waiting.length === 0) return
    for (const { delivery } of waiting) held.delete(delivery.id)
    // A crash here leaves jobs whose heartbeat ends; a failure of the database, the same.
    await knex.transaction(async trx => {
      const db = fromKnex(trx)
      await queue.deleteJob(
        deliverQueue,
        waiting.map(({ job }) => job),
        { db },
      )
      await insertJobs(
        trx,
        queue,
        waiting.map(({ delivery, delayMs = 0 }) => ({ ...delivery, delayMs })),
      )
    })
  }

  /** Takes jobs from the queue; gives how many. */
  const claim = async (): Promise<number> => {
    const jobs = await queue.fetch<{ delivery: unknown }>(deliverQueue, {
      batchSize: Math.min(batchSize, policy.held - held.size),
      ignoreGroups: [...lanes.full()],
      db: fromKnex(knex),
    })
    // A crash here leaves jobs that nobody works on; their heartbeat ends and they go to another courier.
    if (jobs.length > 0) await sort(jobs)
    return jobs.length
  }

  const sort = async (jobs: readonly { id: string; retryCount: number; data: { delivery: unknown } }[]) => {
    const fetched = jobs.flatMap(({ id, retryCount, data }) => {
      const delivery = deliveryOf(data)
      return delivery === undefined ? [] : [{ id, retryCount, delivery }]
    })
    const named = new Map(fetched.map(job => [job.delivery, job]))
    const pending = await findPending(knex, fetched)
    const refusals = await checkStillUsable(knex, pending, clock.now())
    const surplus: (HeldDelivery & { readonly delayMs: number })[] = []
    pending.forEach((delivery, i) => {
      const job = named.get(delivery.id)
      if (job === undefined) return
      const known = held.get(delivery.id)
      if (known !== undefined) {
        // Our own job came round: heartbeats were late. It lives on under its new count.
        if (known.job.id === job.id) held.set(delivery.id, { ...known, job })
        return
      }
      const mine = { job, delivery }
      held.set(delivery.id, mine)
      const refused = refusals[i]
      const outcome =
        refused ??
        (isExpired(delivery, clock.now()) ? 'expired' : undefined) ??
        (delivery.attempts > 0 && delivery.giveUpAt <= clock.now() ? 'gave_up' : undefined) ??
        // As often as that, couriers began to send it and were never heard of again.
        (delivery.strikes >= policy.strikes ? 'internal_error' : undefined)
      if (outcome !== undefined) settler.add(unsent(mine, clock.now(), clock.now(), outcome))
      else {
        const delayMs = lanes.add(mine)
        if (delayMs !== undefined) surplus.push({ ...mine, delayMs })
      }
    })
    const alive = new Set<unknown>(pending.map(({ id }) => id))
    // Only the settled ones go: the queue, too, leaves a job alone that has moved on since it was fetched.
    const settled = jobs.filter(({ data }) => !alive.has(data.delivery))
    if (settled.length > 0) await queue.deleteJob(deliverQueue, settled)
    await handBack(surplus)
  }

  const claiming = (async () => {
    const stopped = new Promise<void>(resolve => stopping.signal.addEventListener('abort', () => resolve()))
    while (!stopping.signal.aborted) {
      let wait = policy.poll
      try {
        if (!(await gate.whenOpen())) break
        const claimed = held.size < policy.held ? await claim() : 0
        // A full batch asks for the next one; a small one lets a larger one gather.
        if (claimed > 0) wait = claimed === batchSize ? 0 : policy.poll / 4
      } catch (error) {
        log.error('claim-failed', error)
        wait = policy.pause
      }
      await Promise.race([sleep(wait), stopped])
    }
  })()

  const heartbeat = setInterval(() => {
    if (held.size === 0) return
    const jobs = [...held.values()].map(({ job }) => job)
    queue.touch(deliverQueue, jobs).catch((error: unknown) => log.error('heartbeat-failed', error))
  }, policy.heartbeat)

  const sweeping = setInterval(() => {
    // A failure, or a crash, leaves them in quarantine; the next look ends them.
    giveUpWhatIsOver(knex, clock).catch((error: unknown) => log.error('quarantine-not-swept', error))
  }, policy.quarantineSweep)

  return {
    async stop(deadline) {
      const end = performance.now() + deadline
      stopping.abort()
      gate.close()
      clearInterval(sweeping)
      await claiming
      // When this fails, the jobs' heartbeats end, and another courier has them a little later.
      const giveBack = (waiting: readonly HeldDelivery[]) =>
        handBack(waiting).catch((error: unknown) => log.error('hand-back-failed', error))
      await giveBack(lanes.close())
      while (lanes.busy > 0 && performance.now() < end) await sleep(5)
      lanes.abort()
      while (lanes.busy > 0 && performance.now() < end + 1000) await sleep(5)
      await giveBack(left)
      await settler.flush(Math.max(end, performance.now() + 1000))
      clearInterval(heartbeat)
    },
  }
}

function deliveryOf(data: { readonly delivery: unknown }): DeliveryId | undefined {
  return typeof data.delivery === 'string' && isId('dlv', data.delivery) ? data.delivery : undefined
}
