import type { Knex } from 'knex'
import type { Address, ApplicationId, MessageId } from '../kernel/index.ts'

export interface StoredMessage {
  readonly id: MessageId
  readonly application: ApplicationId
  readonly from: Address
  readonly reference: string | undefined
  readonly acceptedAt: Date
  /** From then on nothing of it is sent. */
  readonly expiresAt: Date | undefined
}

export async function insertMessages(
  trx: Knex.Transaction,
  messages: readonly StoredMessage[],
): Promise<void> {
  await trx('messages').insert(
    messages.map(({ id, application, from, reference, acceptedAt, expiresAt }) => ({
      id,
      application_id: application,
      sender: from,
      reference: reference ?? null,
      accepted_at: acceptedAt,
      expires_at: expiresAt ?? null,
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
    expiresAt: 'expires_at',
  })
}

export interface AnsweredRequest {
  readonly key: string
  readonly fingerprint: string
}

/** Unique for an application: the second is refused by PostgreSQL, and with it everything else of its transaction. */
export async function insertAnswered(
  trx: Knex.Transaction,
  rows: readonly (AnsweredRequest & {
    readonly application: ApplicationId
    readonly message: MessageId
    readonly at: Date
  })[],
): Promise<void> {
  if (rows.length === 0) return
  await trx('idempotency_keys').insert(
    rows.map(({ application, key, fingerprint, message, at }) => ({
      application_id: application,
      key,
      fingerprint,
      message_id: message,
      created_at: at,
    })),
  )
}

export async function findAnswered(
  knex: Knex,
  application: ApplicationId,
  key: string,
): Promise<{ readonly fingerprint: string; readonly message: MessageId } | undefined> {
  return knex('idempotency_keys')
    .where({ application_id: application, key })
    .first<{ fingerprint: string; message: MessageId } | undefined>({
      fingerprint: 'fingerprint',
      message: 'message_id',
    })
}

export async function deleteAnswered(knex: Knex, before: Date): Promise<void> {
  await knex('idempotency_keys').where('created_at', '<', before).delete()
}
