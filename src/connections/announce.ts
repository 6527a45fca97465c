import type { Knex } from 'knex'
import { recordEvent } from '../audit/index.ts'
import type { TunnelException } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'

const daily = 86_400_000

/**
 * Says that PostgreSQL may speak TLS 1.2: now and every day, in the audit log and in the log of the process. Resolves once
 * it has been said; rejects when it cannot be audited, so that nobody runs under an exception unseen.
 *
 * @returns ends it
 */
export async function announceTunnel(
  { until }: TunnelException,
  { knex, clock, log }: { readonly knex: Knex; readonly clock: Clock; readonly log: Logger },
): Promise<() => void> {
  const say = (): Promise<void> => {
    log.warn('exception-active', { code: 'database_tls_1_2' })
    return recordEvent(
      knex,
      clock,
      { kind: 'gateway' },
      { type: 'exception.active', exception: 'database_tls_1_2', until: until.toISOString() },
    )
  }
  await say()
  const timer = setInterval(() => {
    say().catch((error: unknown) => log.error('audit-failed', error))
  }, daily).unref()
  return () => clearInterval(timer)
}
