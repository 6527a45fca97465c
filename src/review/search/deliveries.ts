import type { Knex } from 'knex'
import type { Address, ApplicationId, DeliveryId, MessageId, RecipientId } from '../../kernel/index.ts'
import { type DeliveryFilter, subjectsOfDeliveries } from './filter.ts'
import { deliveriesOfMessages, messagesAt } from './store.ts'
import { walkLeaves } from './walk.ts'

/** One delivery as an auditor sees it. */
export interface FoundDelivery {
  readonly id: DeliveryId
  readonly message: MessageId
  readonly application: ApplicationId
  readonly applicationName: string
  readonly from: Address
  /** The application's own. */
  readonly reference: string | null
  readonly recipient: RecipientId
  readonly address: Address
  readonly certificate: string
  readonly encryptionSubkey: string
  readonly format: 'seipdv1' | 'seipdv2'
  readonly ciphertextSha256: string
  readonly ciphertextBytes: number
  readonly state: 'queued' | 'sending' | 'quarantined' | 'delivered' | 'failed'
  /** Of the last attempt, or why it ended; null before the first. */
  readonly outcome: string | null
  readonly attempts: number
  readonly acceptedAt: Date
  readonly nextAttemptAt: Date | null
  readonly settledAt: Date | null
}

/** Where in the log a delivery was accepted: the leaf, and which of the message's deliveries it is. */
export interface DeliveryPoint {
  readonly leaf: number
  readonly position: number
}

export interface DeliveryPage {
  /** The last accepted first. */
  readonly deliveries: readonly FoundDelivery[]
  /** Where the next page goes on; undefined: there is nothing more. */
  readonly next: DeliveryPoint | undefined
}

export interface DeliveryPlace {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: DeliveryPoint | undefined
}

/** An hour of patience, in milliseconds: when a message was accepted is noted just before its event. */
const slack = 3_600_000

/**
 * Deliveries that fit all of a filter, in the order in which the log has their acceptance, the last first; as they are at the
 * moment. What is accepted meanwhile is on no later page: going on gives nothing twice and, of what does not change, leaves nothing out. The work
 * for a page is bounded, so it may have fewer than `limit` deliveries, even none, and a `next`. What was accepted in the last
 * second may not be in the log yet, and so not be found; what left for an archive is not.
 */
export async function searchDeliveries(
  knex: Knex,
  filter: DeliveryFilter,
  { limit, after }: DeliveryPlace,
): Promise<DeliveryPage> {
  const deliveries: FoundDelivery[] = []
  let last: DeliveryPoint | undefined
  const { from, until } = filter
  const wanted = {
    ...subjectsOfDeliveries(filter),
    from: from && new Date(from.getTime() - slack),
    until: until && new Date(until.getTime() + slack),
  }
  const before = after === undefined ? undefined : after.leaf + 1
  const next = await walkLeaves(knex, wanted, before, async leaves => {
    const messages = await messagesAt(knex, leaves)
    const rows = await deliveriesOfMessages(knex, [...messages.keys()], filter)
    const found = rows
      .flatMap(({ position, ...delivery }) => {
        const leaf = messages.get(delivery.message)
        const passed = leaf === undefined || (leaf === after?.leaf && position <= after.position)
        return passed ? [] : [{ delivery, position, leaf }]
      })
      .sort((a, b) => b.leaf - a.leaf || a.position - b.position)
    for (const { delivery, position, leaf } of found) {
      deliveries.push(delivery)
      if (deliveries.length === limit) {
        last = { leaf, position }
        return leaf
      }
    }
    return undefined
  })
  // Below a leaf: after the last delivery that a message can have.
  return { deliveries, next: last ?? (next === undefined ? undefined : { leaf: next, position: most }) }
}

const most = 2 ** 31 - 1
