import type { Knex } from 'knex'
import type { DatabaseConfig } from '../../src/config/index.ts'
import { deliverQueue, openQueue } from '../../src/platform/index.ts'

/** As if nobody had given a sign of life for longer than a heartbeat: the one thing here that is not waited for. */
export async function passTime(owner: Knex): Promise<void> {
  await owner.raw(
    `UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '21 s' WHERE state = 'active'`,
  )
  await owner.raw(
    `UPDATE pgboss.queue SET monitor_on = now() - interval '1 h', monitor_claim_on = now() - interval '1 h'`,
  )
}

/** Looks for jobs whose courier gives no sign of life, as each replica does every ten seconds. */
export async function superviseNow(gateway: DatabaseConfig): Promise<void> {
  const queue = await openQueue(gateway, { poolSize: 1, onError: () => undefined })
  await queue.supervise(deliverQueue)
  await queue.stop({ graceful: false })
}
