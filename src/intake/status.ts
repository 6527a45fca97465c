import type { Knex } from 'knex'
import { type DeliveryStatus, deliveriesOf } from '../delivery/index.ts'
import { type ApplicationId, isId, SealpostError } from '../kernel/index.ts'
import { type MessageState, overall } from './overall.ts'
import { findMessage, type StoredMessage } from './store.ts'

export interface MessageStatus extends StoredMessage {
  readonly state: MessageState
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
  const deliveries = await deliveriesOf(knex, message.id)
  return { ...message, state: overall(deliveries), deliveries }
}
