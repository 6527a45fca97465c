import type { Knex } from 'knex'
import { type Actor, type AuditEntry, appendEvents } from '../../audit/index.ts'
import type { Clock, WebhookId } from '../../kernel/index.ts'
import type { Attempted } from './call.ts'
import { failingAtMost, nextAttempt } from './schedule.ts'
import { disable, holdBack, noteStandings, type Settled, type Standing, settleCalls } from './store.ts'

const itself: Actor = { kind: 'gateway' }

interface RecordDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly random: () => number
}

/**
 * Records attempts, all in one transaction: what became of the calls and how their webhooks do, with the events of those that were
 * given up or disabled. What another replica has taken over since stays as it is.
 */
export async function recordAttempts(
  { knex, clock, random }: RecordDependencies,
  attempts: readonly Attempted[],
): Promise<void> {
  const now = clock.now()
  const all = attempts.map(attempted => ({ attempted, settled: settle(attempted, now, random) }))
  await knex.transaction(async trx => {
    const standings = await noteStandings(trx, standingsOf(attempts))
    const ours = await settleCalls(
      trx,
      all.map(({ settled }) => settled),
      now,
    )
    const again = all.filter(({ settled }) => settled.state === 'waiting' && ours.has(settled.id))
    if (again.length > 0) {
      await holdBack(
        trx,
        again.map(({ settled }) => settled),
      )
    }
    const events: AuditEntry[] = []
    for (const { attempted, settled } of all) {
      const { call, failure } = attempted
      if (!ours.has(call.id) || settled.state !== 'given_up' || call.update === null) continue
      const event = { type: 'webhook.call.given_up', webhook: call.webhook, reason: failure ?? '' } as const
      events.push({ actor: itself, event })
    }
    for (const [webhook, reason] of hopeless(attempts, standings, now)) {
      if (!(await disable(trx, webhook, now))) continue
      events.push({ actor: itself, event: { type: 'webhook.disabled', webhook, reason } })
    }
    if (events.length > 0) await appendEvents(trx, clock, events)
  })
}

function settle({ call, end }: Attempted, now: Date, random: () => number): Settled {
  const { id, attempts } = call
  if (end === 'delivered') return { id, attempts, state: 'delivered', nextAttemptAt: null }
  // A test says how things are now, so it is made once.
  const nextAttemptAt =
    end === 'forgotten' || call.update === null ? undefined : nextAttempt(attempts, now, random)
  if (nextAttemptAt === undefined) return { id, attempts, state: 'given_up', nextAttemptAt: null }
  return { id, attempts, state: 'waiting', nextAttemptAt }
}

/** How each webhook did, by all attempts together: the last one is what is shown. */
function standingsOf(attempts: readonly Attempted[]): readonly Standing[] {
  const made = attempts.filter(({ end }) => end !== 'forgotten')
  return [...Map.groupBy(made, ({ call }) => call.webhook)].flatMap(([webhook, its]) => {
    const last = its.at(-1)
    if (last === undefined) return []
    const { at, status, failure } = last
    const regular = its.some(({ call }) => call.update !== null)
    const succeeded = its.some(({ end }) => end === 'delivered') ? 'yes' : regular ? 'no' : 'unsaid'
    return [{ webhook, at, status, failure, succeeded } as const]
  })
}

/** Those that are to be called no more: they said so, or have failed for days. */
function hopeless(
  attempts: readonly Attempted[],
  failing: ReadonlyMap<WebhookId, Date>,
  now: Date,
): ReadonlyMap<WebhookId, string> {
  const found = new Map<WebhookId, string>()
  for (const { call, end, failure } of attempts) {
    if (call.update === null || failure === null || end === 'forgotten') continue
    const since = failing.get(call.webhook)
    const tooLong = since !== undefined && now.getTime() - since.getTime() > failingAtMost
    if (end === 'gone' || tooLong) found.set(call.webhook, failure)
  }
  return found
}
