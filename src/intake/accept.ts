import type { Knex } from 'knex'
import { appendEvents, currentOrigin, type Origin } from '../audit/index.ts'
import { type AcceptedDeliveries, enqueueDeliveries, type Queue } from '../delivery/index.ts'
import type { Clock } from '../kernel/index.ts'
import { inBatches } from '../platform/index.ts'
import type { JudgedBy } from './resolve-recipients.ts'
import { type AnsweredRequest, insertAnswered, insertMessages, type StoredMessage } from './store.ts'

export interface NewMessage extends StoredMessage {
  /** The mark by which a repeated request is known; undefined: it has none. */
  readonly request: AnsweredRequest | undefined
  /** Card numbers in it, counted. */
  readonly cards: { readonly count: number; readonly brands: readonly string[] }
  readonly deliveries: AcceptedDeliveries['deliveries']
  /** For the audit log. */
  readonly policy?: JudgedBy | undefined
}

/** A message and where it came from: each of a shared transaction its own. */
interface Arrived extends NewMessage {
  readonly origin: Origin | undefined
}

/** What is larger has a transaction to itself, so that a shared one stays small in memory. */
const small = 256 * 1024

/**
 * Commits a message, its deliveries, their jobs and the audit event together; when that resolves, the message is durable
 * (invariant 5). Messages that come at the same time share a commit. Throws `database_unavailable`, and
 * whatever the database refused; then nothing of the message is stored, unless the connection broke in the commit itself.
 */
export function openAcceptance(
  knex: Knex,
  clock: Clock,
  queue: Queue,
): (message: NewMessage) => Promise<void> {
  const commit = async (messages: readonly Arrived[]): Promise<readonly undefined[]> => {
    // A crash before the commit leaves nothing, and no application sees a 202; it repeats the request.
    await knex.transaction(async trx => {
      await insertMessages(trx, messages)
      await insertAnswered(
        trx,
        messages.flatMap(({ id, application, request, acceptedAt }) =>
          request === undefined ? [] : [{ ...request, application, message: id, at: acceptedAt }],
        ),
      )
      const enqueued = await enqueueDeliveries(trx, queue, messages)
      await appendEvents(
        trx,
        clock,
        messages.map(({ id, application, expiresAt, cards, policy, origin }, i) => ({
          actor: { kind: 'application', id: application },
          from: origin,
          event: {
            type: 'message.accepted',
            message: id,
            deliveries: enqueued[i] ?? [],
            cards,
            ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
            ...(policy === undefined ? {} : { policy }),
          },
        })),
      )
    })
    // A crash here leaves accepted messages whose applications saw no 202; a repeated request makes a second message, unless
    // it has an Idempotency-Key.
    return messages.map(() => undefined)
  }
  const together = inBatches(64, commit)
  const alone = inBatches(1, commit)
  return message => {
    const bytes = message.deliveries.reduce((sum, { ciphertext }) => sum + ciphertext.length, 0)
    const arrived = { ...message, origin: currentOrigin() }
    return bytes <= small ? together(arrived) : alone(arrived)
  }
}
