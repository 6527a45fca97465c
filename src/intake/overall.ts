import type { DeliveryStatus } from '../delivery/index.ts'

/** `queued` until every delivery is settled; then `delivered`, `failed`, or `partly_delivered`. */
export type MessageState = 'queued' | 'delivered' | 'failed' | 'partly_delivered'

/** What a message's deliveries make of it. */
export function overall(deliveries: readonly Pick<DeliveryStatus, 'state'>[]): MessageState {
  const delivered = deliveries.filter(({ state }) => state === 'delivered').length
  const failed = deliveries.filter(({ state }) => state === 'failed').length
  if (delivered + failed < deliveries.length) return 'queued'
  if (failed === 0) return 'delivered'
  return delivered === 0 ? 'failed' : 'partly_delivered'
}
