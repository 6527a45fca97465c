import type { Knex } from 'knex'
import type { TlsLevel } from '../../audit/index.ts'
import type { Clock, RecipientCode } from '../../kernel/index.ts'
import { inBatches } from '../../platform/index.ts'
import { checkStillUsable } from '../../recipients/index.ts'
import { beginAttempts, isExpired, type PendingDelivery } from '../store.ts'

/** What the policy in force asks of sending. */
export interface SendingPolicy {
  readonly minTls: 'TLSv1.2' | 'TLSv1.3'
  /** The weakest level at which a server may be authenticated; see `delivery/level.ts`. */
  readonly floor: TlsLevel
  /** Whether a CA must publish its revocations. What it publishes must be fresh in any case. */
  readonly revocation: 'when_known' | 'required'
}

/** The policy at a time; undefined when none is in force, and so nothing is sent. */
export type PolicyAt = (at: Date) => Promise<SendingPolicy | undefined>

export type Checked =
  | 'not_ours'
  /** No attempt was begun. */
  | 'expired'
  | { readonly refused: RecipientCode | 'sending_not_approved' | 'expired' }
  | { readonly ciphertext: Uint8Array; readonly policy: SendingPolicy }
export type LastCheck = (delivery: PendingDelivery) => Promise<Checked>

/** What is larger goes through alone, so that a batch stays small in memory. */
const small = 256 * 1024

/**
 * The look before MAIL FROM: whether a policy is in force, whether recipient and certificate may still be sent to, and
 * whether the delivery is still where this courier saw it and its time is not over; if so, the attempt is begun and the
 * ciphertext is here. In batches: a few statements for whatever is about to be sent at the time.
 */
export function openLastCheck(knex: Knex, clock: Clock, policyAt: PolicyAt): LastCheck {
  const look = async (deliveries: readonly PendingDelivery[]): Promise<readonly Checked[]> => {
    const at = clock.now()
    const [policy, refusals, begun] = await Promise.all([
      policyAt(at),
      checkStillUsable(knex, deliveries, at),
      beginAttempts(
        knex,
        deliveries.filter(delivery => !isExpired(delivery, at)),
      ),
    ])
    const now = clock.now()
    return deliveries.map((delivery, i): Checked => {
      if (isExpired(delivery, at)) return 'expired'
      const ciphertext = begun.get(delivery.id)
      const refused = refusals[i]
      if (ciphertext === undefined) return 'not_ours'
      // The database can take its time.
      if (isExpired(delivery, now)) return { refused: 'expired' }
      // What is final comes first: a revoked key is not waited for.
      if (refused !== undefined) return { refused }
      return policy === undefined ? { refused: 'sending_not_approved' } : { ciphertext, policy }
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
