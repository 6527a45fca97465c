import type { Knex } from 'knex'
import type { Clock, RecipientCode } from '../../kernel/index.ts'
import { inBatches } from '../../platform/index.ts'
import { checkStillUsable } from '../../recipients/index.ts'
import { beginAttempts, type PendingDelivery } from '../store.ts'

export type Checked = 'not_ours' | { readonly refused: RecipientCode } | { readonly ciphertext: Uint8Array }
export type LastCheck = (delivery: PendingDelivery) => Promise<Checked>

/** What is larger goes through alone, so that a batch stays small in memory. */
const small = 256 * 1024

/**
 * The look before MAIL FROM: whether recipient and certificate may still be sent to, and whether the delivery is still
 * where this courier saw it; if so, the attempt is begun and the ciphertext is here. In batches: two statements for
 * whatever is about to be sent at the time.
 */
export function openLastCheck(knex: Knex, clock: Clock): LastCheck {
  const look = async (deliveries: readonly PendingDelivery[]): Promise<readonly Checked[]> => {
    const [refusals, begun] = await Promise.all([
      checkStillUsable(knex, deliveries, clock.now()),
      beginAttempts(knex, deliveries),
    ])
    return deliveries.map(({ id }, i): Checked => {
      const ciphertext = begun.get(id)
      const refused = refusals[i]
      if (ciphertext === undefined) return 'not_ours'
      return refused === undefined ? { ciphertext } : { refused }
    })
  }
  // Two in turn: while one waits for the disk, the other gathers.
  let [next, other] = [inBatches(64, look), inBatches(64, look)]
  const alone = inBatches(1, look)
  return delivery => {
    if (delivery.bytes > small) return alone(delivery)
    ;[next, other] = [other, next]
    return next(delivery)
  }
}
