import type { Knex } from 'knex'
import type { Address, ApplicationId, MessageId } from '../kernel/index.ts'

export interface StoredMessage {
  readonly id: MessageId
  readonly application: ApplicationId
  readonly from: Address
  readonly reference: string | undefined
  readonly acceptedAt: Date
}

export async function insertMessages(
  trx: Knex.Transaction,
  messages: readonly StoredMessage[],
): Promise<void> {
  await trx('messages').insert(
    messages.map(({ id, application, from, reference, acceptedAt }) => ({
      id,
      application_id: application,
      sender: from,
      reference: reference ?? null,
      accepted_at: acceptedAt,
    })),
  )
}

/** The message, if it is this application's. */
export async function findMessage(
  knex: Knex,
  application: ApplicationId,
  id: MessageId,
): Promise<StoredMessage | undefined> {
  return knex('messages').where({ id, application_id: application }).first<StoredMessage | undefined>({
    id: 'id',
    application: 'application_id',
    from: 'sender',
    reference: 'reference',
    acceptedAt: 'accepted_at',
  })
}
