import type { Knex } from 'knex'
import { type DeliverySummary, summariesOf } from '../../delivery/index.ts'
import type { Address, ApplicationId, MessageId } from '../../kernel/index.ts'
import { type MessageState, overall } from '../overall.ts'
import type { StoredMessage } from '../store.ts'
import { lookThrough, messagesTo, type Stretch } from './store.ts'

export type ListState = MessageState

/** What messages are searched by; all that is given holds. */
export interface ListFilter {
  readonly state?: ListState | undefined
  readonly reference?: string | undefined
  /** It has a delivery to this address. */
  readonly recipient?: Address | undefined
  readonly from?: Address | undefined
  /** When it was accepted. */
  readonly since?: Date | undefined
  /** Not included. */
  readonly until?: Date | undefined
}

/** A message's place in the list: by when it was accepted, then by its name, the greatest first. */
export interface ListPoint {
  readonly acceptedAt: Date
  readonly id: MessageId
}

export interface ListedMessage extends StoredMessage {
  readonly state: ListState
  readonly deliveries: readonly DeliverySummary[]
}

export interface MessagePage {
  /** Newest first. */
  readonly messages: readonly ListedMessage[]
  /** Where the next page goes on; undefined: there is nothing more. */
  readonly next: ListPoint | undefined
}

/** What a page may cost. */
export interface ListBounds {
  /** How many messages are looked at, and after how many milliseconds no more are begun with. */
  readonly looked: number
  readonly ms: number
  /** How many are looked at together, at first and at most. */
  readonly pieces: readonly [first: number, most: number]
  /** As many messages to a recipient are gone through by name. With more, one walks through the application's own. */
  readonly named: number
}

const standardBounds: ListBounds = { looked: 20_000, ms: 100, pieces: [100, 2_000], named: 5_000 }

/**
 * An application's own messages that fit all of a filter, newest first, as they are at the moment. What is accepted meanwhile is on no
 * later page: going on gives nothing twice and, of what does not change, leaves nothing out. The work for a page is
 * bounded, so it may have fewer than `limit` messages, even none, and a `next`.
 */
export async function listMessages(
  knex: Knex,
  application: ApplicationId,
  filter: ListFilter,
  { limit, after }: { readonly limit: number; readonly after?: ListPoint | undefined },
  bounds = standardBounds,
): Promise<MessagePage> {
  const { reference, recipient, since, until } = filter
  const among =
    recipient === undefined || reference !== undefined
      ? undefined
      : await messagesTo(knex, recipient, { since, until, after }, bounds.named)
  const stretch = { application, reference, since, until, after, among }
  const { found, next } = await walk(knex, stretch, filter, limit, bounds)

  const summaries = await summariesOf(
    knex,
    found.map(({ id }) => id),
  )
  const messages = found.map(message => {
    const deliveries = summaries.get(message.id) ?? []
    return { ...message, state: overall(deliveries), deliveries }
  })
  // What changed since it was found would contradict itself.
  const { state } = filter
  return { messages: messages.filter(message => state === undefined || message.state === state), next }
}

async function walk(knex: Knex, stretch: Stretch, filter: ListFilter, limit: number, bounds: ListBounds) {
  const start = performance.now()
  const { state, recipient, from } = filter
  const [first, most] = bounds.pieces
  // When the index knows all that is asked, no more than the page is looked at.
  const plain = state === undefined && recipient === undefined && from === undefined
  const found: StoredMessage[] = []
  let { after } = stretch
  let [looked, piece] = [0, plain ? limit + 1 : first]
  for (;;) {
    const { fitting, last } = await lookThrough(knex, { ...stretch, after }, filter, piece)
    const wanted = fitting.slice(0, limit - found.length)
    found.push(...wanted)
    if (found.length === limit) {
      const more = last !== undefined || wanted.length < fitting.length
      return { found, next: more ? found.at(-1) : undefined }
    }
    looked += piece
    after = last
    const enough = looked >= bounds.looked || performance.now() - start > bounds.ms
    if (last === undefined || enough) return { found, next: last }
    piece = Math.min(piece * 4, most)
  }
}
