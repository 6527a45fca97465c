import type { Knex } from 'knex'
import { deliveriesOf } from '../delivery/index.ts'
import { type ApplicationId, type Clock, SealpostError } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { deleteAnswered, findAnswered } from './store.ts'
import type { AcceptedMessage } from './submit.ts'

/** Days that a key is kept: as long a repeated request makes no second message. */
const kept = 7
const hour = 3_600_000

/** Keys that this replica is working on; what another replica works on meets the database's constraint. */
export type InFlight = Set<string>

/**
 * Runs `task` unless a request with this key is under way, in this replica, for this application: then throws `idempotency_in_flight`.
 */
export async function exclusively<Result>(
  inFlight: InFlight,
  application: ApplicationId,
  key: string,
  task: () => Promise<Result>,
): Promise<Result> {
  const name = `${application} ${key}`
  if (inFlight.has(name)) throw new SealpostError('idempotency_in_flight', { retryAfterSeconds: 1 })
  inFlight.add(name)
  try {
    return await task()
  } finally {
    inFlight.delete(name)
  }
}

/**
 * What was answered to the request that brought this key first; undefined: there was none. Throws `idempotency_key_reused` when that
 * had another body.
 */
export async function answeredBefore(
  knex: Knex,
  application: ApplicationId,
  key: string,
  fingerprint: string,
): Promise<AcceptedMessage | undefined> {
  const answered = await findAnswered(knex, application, key)
  if (answered === undefined) return undefined
  if (answered.fingerprint !== fingerprint) throw new SealpostError('idempotency_key_reused')
  const deliveries = await deliveriesOf(knex, answered.message)
  return { id: answered.message, deliveries: deliveries.map(({ id, recipient }) => ({ id, recipient })) }
}

/** Forgets, now and each hour, the keys that were kept long enough. */
export function openForgetting(knex: Knex, clock: Clock, log: Logger): { stop(): void } {
  const forget = () =>
    deleteAnswered(knex, new Date(clock.now().getTime() - kept * 24 * hour)).catch((error: unknown) =>
      log.error('idempotency-keys-kept', error),
    )
  void forget()
  const timer = setInterval(() => void forget(), hour).unref()
  return { stop: () => clearInterval(timer) }
}
