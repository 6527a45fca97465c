import type { Knex } from 'knex'
import { type DeliveryStatus, deliveriesOf } from '../delivery/index.ts'
import { type ApplicationId, isId, type MessageId, SealpostError } from '../kernel/index.ts'
import { findMessage, type StoredMessage } from './store.ts'

export interface MessageStatus extends StoredMessage {
  /** `queued` until every delivery is settled; then `delivered`, `failed`, or `partly_delivered`. */
  readonly state: 'queued' | 'delivered' | 'failed' | 'partly_delivered'
  readonly deliveries: readonly DeliveryStatus[]
}

/** The state of one of this application's messages. Throws `not_found`, also for another application's message. */
export async function messageStatus(
  knex: Knex,
  application: ApplicationId,
  id: string,
): Promise<MessageStatus> {
  const message = isId('msg', id) ? await findMessage(knex, application, id) : undefined
  if (message === undefined) throw new SealpostError('not_found')
  const deliveries = await deliveriesOf(knex, message.id satisfies MessageId)
  return { ...message, state: overall(deliveries), deliveries }
}

function overall(deliveries: readonly DeliveryStatus[]): MessageStatus['state'] {
  const delivered = deliveries.filter(delivery => delivery.state === 'delivered').length
  const failed = deliveries.filter(delivery => delivery.state === 'failed').length
  if (delivered + failed < deliveries.length) return 'queued'
  if (failed === 0) return 'delivered'
  return delivered === 0 ? 'failed' : 'partly_delivered'
}
