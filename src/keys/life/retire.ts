import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { Clock, RecipientCode, RecipientId } from '../../kernel/index.ts'
import type { StopDeliveries } from './stop.ts'
import { endOverlaps, lockPrimaryKeysOf, retireActive } from './store.ts'

/**
 * Retires whatever certificates a recipient has, at once and without overlap, and stops what is queued for them with
 * `code`; gives how many deliveries that were. For the end of an enrolment.
 */
export async function retireAll(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  recipient: RecipientId,
  stop: StopDeliveries,
  code: RecipientCode,
): Promise<number> {
  const now = clock.now()
  await lockPrimaryKeysOf(trx, recipient)
  await endOverlaps(trx, recipient, now)
  const retired = await retireActive(trx, recipient, now, now)
  const finishUntil = now.toISOString()
  await appendEvents(
    trx,
    clock,
    retired.map(({ fingerprint: certificate, encryptionSubkey }) => ({
      actor,
      event: { type: 'certificate.retired', recipient, certificate, encryptionSubkey, finishUntil },
    })),
  )
  return stop(trx, clock, { recipient }, code)
}
