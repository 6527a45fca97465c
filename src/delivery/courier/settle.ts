import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { fromKnex } from 'pg-boss'
import { type AuditEntry, appendEvents, type TlsEvidence } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { deliverQueue, withheldIfCard } from '../../platform/index.ts'
import { insertJobs, type Queue } from '../enqueue.ts'
import { dispositionOf } from '../outcome.ts'
import { purged } from '../purged.ts'
import { strikesAfter } from '../quarantine/strikes.ts'
import { insertAttempts, isExpired, type Settlement, settleDeliveries } from '../store.ts'
import type { AttemptResult } from './attempt.ts'
import { type CourierPolicy, type RetryPolicy, retryDelay } from './policy.ts'

export interface SettleDependencies {
  readonly knex: Knex
  readonly queue: Queue
  readonly clock: Clock
  readonly retry: RetryPolicy
  readonly strikes: CourierPolicy['strikes']
  readonly random: () => number
}

interface Settled {
  readonly result: AttemptResult
  readonly settlement: Settlement
  readonly delayMs: number
  /** Whether there was an attempt. */
  readonly counted: boolean
}

/**
 * Records finished attempts, all in one transaction: what became of the deliveries, the attempts, their audit events, the
 * end of their jobs and the jobs of the next attempts. One
 * that broke off once too often goes to quarantine and has no next job. Gives those that another courier had overtaken; their deliveries
 * are untouched. When it throws, nothing of it happened.
 */
export async function settle(
  dependencies: SettleDependencies,
  results: readonly AttemptResult[],
): Promise<readonly AttemptResult[]> {
  const { knex, queue, clock } = dependencies
  const all = results.map(result => decide(dependencies, result))
  const held = await knex.transaction(async trx => {
    const ours = await settleDeliveries(
      trx,
      all.map(({ settlement }) => settlement),
    )
    const mine = all.filter(({ settlement }) => ours.has(settlement.id))
    // Also the attempt of a message that went out although another courier had taken over: it did go out.
    const known = all.filter(
      ({ result, settlement }) => ours.has(settlement.id) || result.outcome === 'delivered',
    )
    if (known.length > 0) {
      const recorded = await insertAttempts(trx, known.filter(({ counted }) => counted).map(attemptRow))
      const news = known.filter(({ counted, settlement }) => !counted || recorded.has(settlement.id))
      const quarantined = news.filter(({ settlement }) => settlement.state === 'quarantined')
      const settled = mine.filter(({ settlement: { state } }) => state === 'delivered' || state === 'failed')
      await appendEvents(trx, clock, [
        ...news.map(auditEntry),
        ...quarantined.map(quarantineEntry),
        ...settled.map(({ settlement }) => purged(settlement.id)),
      ])
    }
    if (mine.length > 0) {
      await queue.deleteJob(
        deliverQueue,
        mine.map(({ result }) => result.held.job.id),
        { db: fromKnex(trx) },
      )
    }
    const again = mine.filter(({ settlement }) => settlement.state === 'queued')
    if (again.length > 0) {
      await insertJobs(
        trx,
        queue,
        again.map(
          ({
            result: {
              held: { delivery },
            },
            delayMs,
          }) => ({ ...delivery, delayMs }),
        ),
      )
    }
    return ours
  })
  return all.filter(({ settlement }) => !held.has(settlement.id)).map(({ result }) => result)
}

/** What an attempt means for its delivery. */
function decide(dependencies: SettleDependencies, result: AttemptResult): Settled {
  const { clock, retry, random } = dependencies
  const { delivery } = result.held
  const { outcome, begun } = result
  const at = clock.now()
  // What expired before it was begun is no attempt: there is none after the time that the application set.
  const counted = begun || outcome !== 'expired'
  const attempts = delivery.attempts + (counted ? 1 : 0)
  const strikes = strikesAfter(result)
  const fence = begun ? attempts : delivery.attempts
  const base = { id: delivery.id, begun, fence, attempts, strikes, at }
  const disposition = dispositionOf(outcome)
  const ends = { result, counted, delayMs: 0 }
  if (disposition !== 'temporary') {
    const state = disposition === 'delivered' ? 'delivered' : 'failed'
    return { ...ends, settlement: { ...base, state, outcome, nextAttemptAt: null } }
  }
  if (strikes >= dependencies.strikes) {
    return { ...ends, settlement: { ...base, state: 'quarantined', outcome, nextAttemptAt: null } }
  }
  const delayMs = retryDelay(retry, attempts, random)
  const nextAttemptAt = new Date(at.getTime() + delayMs)
  if (nextAttemptAt > delivery.giveUpAt) {
    const over = isExpired(delivery, nextAttemptAt) ? 'expired' : 'gave_up'
    return { ...ends, settlement: { ...base, state: 'failed', outcome: over, nextAttemptAt: null } }
  }
  return { result, counted, delayMs, settlement: { ...base, state: 'queued', outcome, nextAttemptAt } }
}

function attemptRow({ result, settlement }: Settled): Parameters<typeof insertAttempts>[1][number] {
  return {
    delivery_id: settlement.id,
    number: settlement.attempts,
    started_at: result.startedAt,
    finished_at: result.finishedAt,
    outcome: result.outcome,
    host: result.peer?.host ?? null,
    address: result.peer?.address ?? null,
    port: result.peer?.port ?? null,
    tls: result.tls ?? null,
    reply_code: result.replyCode ?? null,
    reply: result.reply ?? null,
  }
}

const eventTypes = {
  queued: 'delivery.deferred',
  // Of the attempt; that it waits for an operator has an event of its own.
  quarantined: 'delivery.deferred',
  delivered: 'delivery.delivered',
  failed: 'delivery.failed',
} as const

function auditEntry({ result, settlement }: Settled): AuditEntry {
  return {
    actor: { kind: 'gateway' },
    event: {
      type: eventTypes[settlement.state],
      delivery: settlement.id,
      attempt: settlement.attempts,
      outcome: settlement.outcome,
      host: result.peer === undefined ? null : withheldIfCard(result.peer.host),
      tls: result.tls === undefined ? null : recordable(result.tls),
      replyCode: result.replyCode ?? null,
      replySha256: result.reply === undefined ? null : sha256(result.reply),
    },
  }
}

/** The id of an MTA-STS policy is chosen by others. */
function recordable(tls: TlsEvidence): TlsEvidence {
  return tls.stsPolicy === undefined ? tls : { ...tls, stsPolicy: withheldIfCard(tls.stsPolicy) }
}

/** The log has no foreign text; by this, the text that is kept beside it is known to be the one. */
function sha256(reply: string): string {
  return createHash('sha256').update(reply).digest('hex')
}

function quarantineEntry({ settlement: { id, outcome } }: Settled): AuditEntry {
  return { actor: { kind: 'gateway' }, event: { type: 'delivery.quarantined', delivery: id, outcome } }
}
