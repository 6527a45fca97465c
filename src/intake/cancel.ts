import type { Knex } from 'knex'
import { cancelDeliveries } from '../delivery/index.ts'
import { type ApplicationId, type Clock, isId, SealpostError } from '../kernel/index.ts'
import { type MessageStatus, messageStatus } from './status.ts'
import { findMessage } from './store.ts'

/**
 * Ends what still waits of one of this application's messages, and gives what became of it. Throws `not_found`, also for another
 * application's message, and `nothing_to_cancel`.
 */
export async function cancelMessage(
  knex: Knex,
  clock: Clock,
  application: ApplicationId,
  id: string,
): Promise<MessageStatus> {
  const message = isId('msg', id) ? await findMessage(knex, application, id) : undefined
  if (message === undefined) throw new SealpostError('not_found')
  await cancelDeliveries(knex, clock, application, message.id)
  return messageStatus(knex, application, message.id)
}
