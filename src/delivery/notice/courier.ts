import { setTimeout as sleep } from 'node:timers/promises'
import { domainOf } from '../../kernel/index.ts'
import { type ClaimedNotice, claimNotices, releaseNotices } from '../../notices/index.ts'
import { attackRecorder } from '../courier/attacks.ts'
import type { Courier, CourierOptions } from '../courier/courier.ts'
import { openGate } from '../courier/gate.ts'
import { type RetryPolicy, standardPolicy } from '../courier/policy.ts'
import type { SessionLimits } from '../smtp/limits.ts'
import { openSession } from '../smtp/open-session.ts'
import type { Session } from '../smtp/session.ts'
import { openRecorder } from './recorder.ts'
import { sendNotice, unsentNotice } from './send.ts'

/** Everything of a notice courier that is a number. Times in milliseconds. */
export interface NoticePolicy {
  readonly retry: RetryPolicy
  readonly limits: SessionLimits
  /** At a time, each to another domain. */
  readonly connections: number
  /** Notices that are taken at a time. */
  readonly batch: number
  readonly poll: number
  /** After a failure of the database, until it is asked again. */
  readonly pause: number
}

export const standardNoticePolicy: NoticePolicy = {
  retry: standardPolicy.retry,
  limits: standardPolicy.limits,
  connections: 16,
  batch: 64,
  poll: 1_000,
  pause: standardPolicy.pause,
}

/** A notice also goes while no crypto policy is in force: one tells that a policy waits for its approval. */
export type NoticeCourierOptions = Omit<CourierOptions, 'queue' | 'policy'> & {
  readonly policy: NoticePolicy
}

/**
 * Starts sending notices as they become due, by the same destination rules and over the same authenticated sessions as
 * deliveries, to servers that are good enough for the policy in force, and over nothing else. Whatever fails is tried again
 * until the notice is given up. Any number may run: each notice is one courier's until its lease is over, which is looked at
 * again right before MAIL FROM.
 */
export function startNoticeCourier(options: NoticeCourierOptions): Courier {
  const { knex, log, policy } = options
  const busy = new Map<string, Promise<void>>()
  const sessions = new Set<Session>()
  const stopping = new AbortController()
  const stopped = new Promise<void>(resolve => stopping.signal.addEventListener('abort', () => resolve()))
  const recorder = openRecorder(options)
  const gate = openGate([options.whenSound ?? (() => Promise.resolve()), () => recorder.whenSound()])
  const channelOptions = {
    ...options,
    limits: policy.limits,
    onAttack: attackRecorder(knex, options.clock),
  }

  const release = async (claimed: readonly ClaimedNotice[]): Promise<void> => {
    if (claimed.length === 0) return
    // A crash here, or a failure, leaves claims whose lease ends: somebody has them a little later.
    await releaseNotices(knex, claimed).catch((error: unknown) => log.error('notices-not-released', error))
  }

  /** Sends what is for one domain, one after the other over one connection. */
  const work = async (domain: string, claimed: readonly ClaimedNotice[]): Promise<void> => {
    const opening = await openSession(await options.findRoute(domain), channelOptions, ({ peer, outcome }) =>
      log.warn('mail-host-skipped', { host: peer?.host, port: peer?.port, outcome }),
    )
    if (!opening.ok) {
      for (const notice of claimed)
        await recorder.record(unsentNotice(options, notice, opening.outcome, opening.peer))
      return
    }
    const { session } = opening
    sessions.add(session)
    const rest = [...claimed]
    try {
      while (session.usable && !stopping.signal.aborted) {
        const notice = rest.shift()
        if (notice === undefined) break
        if (!(await gate.whenOpen())) {
          rest.unshift(notice)
          break
        }
        const result = await sendNotice(options, notice, opening)
        if (result !== undefined) await recorder.record(result)
      }
    } finally {
      sessions.delete(session)
      session.close()
      await release(rest)
    }
  }

  const start = (domain: string, claimed: readonly ClaimedNotice[]): void => {
    const working = work(domain, claimed)
      // What was claimed comes back when its lease is over.
      .catch((error: unknown) => log.error('notices-abandoned', error, { count: claimed.length }))
      .finally(() => busy.delete(domain))
    busy.set(domain, working)
  }

  /** Takes what is due; whether there may be more. */
  const claim = async (): Promise<boolean> => {
    const free = policy.connections - busy.size
    if (free <= 0 || stopping.signal.aborted) return false
    const claimed = await claimNotices(knex, policy.batch, [...busy.keys()])
    // A crash here leaves claims that nobody works on; their lease ends and they go to another courier.
    const groups = [...Map.groupBy(claimed, ({ address }) => domainOf(address))]
    for (const [domain, group] of groups.slice(0, free)) start(domain, group)
    const surplus = groups.slice(free).flatMap(([, group]) => group)
    await release(surplus)
    return claimed.length === policy.batch && surplus.length === 0
  }

  const claiming = (async () => {
    while (!stopping.signal.aborted) {
      let wait = policy.poll
      try {
        if (!(await gate.whenOpen())) break
        if (await claim()) wait = 0
      } catch (error) {
        log.error('notice-claim-failed', error)
        wait = policy.pause
      }
      await Promise.race([sleep(wait), stopped])
    }
  })()

  return {
    async stop(deadline) {
      const end = performance.now() + deadline
      stopping.abort()
      gate.close()
      await claiming
      while (busy.size > 0 && performance.now() < end) await sleep(5)
      for (const session of sessions) session.abort()
      while (busy.size > 0 && performance.now() < end + 1000) await sleep(5)
      recorder.giveUp()
      await Promise.race([Promise.all(busy.values()), sleep(1000)])
    },
  }
}
