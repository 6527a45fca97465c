import type { Knex } from 'knex'
import { appendEvents } from '../audit/index.ts'
import type { Clock, RecipientCode } from '../kernel/index.ts'
import { purged } from './purged.ts'
import { countWaiting, failWaiting, type Waiting } from './store.ts'

const batch = 1000
/** How often, and how long after each other (milliseconds), what a courier is just recording is looked at again. */
const looks = 40
const between = 25

/**
 * Ends every queued or quarantined delivery of a primary key, of one of its subkeys, or of all certificates of a recipient, as failed by
 * `code`, with its event and in the caller's transaction; gives how many. Their jobs find nothing to do.
 *
 * One that a courier is sending is left to the courier's last look before MAIL FROM (or is with the server already). It
 * never waits for a courier's row locks, so that no courier's batch and this can wait for each other; what is locked is
 * looked at again, for a second at most. What is missed even so is refused when it is next tried.
 */
export async function stopDeliveries(
  trx: Knex.Transaction,
  clock: Clock,
  which: Waiting,
  code: RecipientCode,
): Promise<number> {
  let stopped = 0
  for (let look = 0; look < looks; look++) {
    const failed = await failWaiting(trx, which, code, clock.now(), batch)
    await appendEvents(
      trx,
      clock,
      failed.flatMap(({ id, attempts }) => [
        {
          actor: { kind: 'gateway' },
          event: {
            type: 'delivery.failed',
            delivery: id,
            attempt: attempts,
            outcome: code,
            host: null,
            tls: null,
            replyCode: null,
            replySha256: null,
          },
        },
        purged(id),
      ]),
    )
    stopped += failed.length
    if (failed.length === batch) look = 0
    else if ((await countWaiting(trx, which, between)) === 0) break
  }
  return stopped
}
