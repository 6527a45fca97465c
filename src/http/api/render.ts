import type { AcceptedMessage, MessagePage, MessageStatus } from '../../intake/index.ts'
import { writeListCursor } from './list/cursor.ts'

/** The answer to an accepted message: its id, and one delivery id per recipient. */
export function renderAccepted({ id, deliveries }: AcceptedMessage): object {
  return { id, deliveries }
}

/** The answer to `GET /v1/messages/{id}`. Times are ISO 8601 in UTC; absent things are left out. */
export function renderStatus(message: MessageStatus | MessagePage['messages'][number]): object {
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

/** The answer to `GET /v1/messages`. */
export function renderList({ messages, next }: MessagePage): object {
  return {
    messages: messages.map(renderStatus),
    next: next === undefined ? undefined : writeListCursor(next),
  }
}
