import type { AcceptedMessage, MessageStatus } from '../../intake/index.ts'

/** The answer to an accepted message: its id, and one delivery id per recipient. */
export function renderAccepted({ id, deliveries }: AcceptedMessage): object {
  return { id, deliveries }
}

/** The answer to `GET /v1/messages/{id}`. Times are ISO 8601 in UTC; absent things are left out. */
export function renderStatus(message: MessageStatus): object {
  return {
    id: message.id,
    state: message.state,
    from: message.from,
    reference: message.reference ?? undefined,
    acceptedAt: message.acceptedAt,
    expiresAt: message.expiresAt ?? undefined,
    deliveries: message.deliveries,
  }
}
