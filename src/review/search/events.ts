import type { Knex } from 'knex'
import type { LoggedEvent } from '../../audit-log/index.ts'
import { type EventFilter, subjectsOfEvents } from './filter.ts'
import { eventsAt } from './store.ts'
import { walkLeaves } from './walk.ts'

export interface EventPage {
  /** The last of the log first. */
  readonly events: readonly LoggedEvent[]
  /** Where the next page goes on; undefined: there is nothing more. */
  readonly next: number | undefined
}

export interface EventPlace {
  readonly limit: number
  /** The `next` of the page before. */
  readonly before?: number | undefined
}

/**
 * Events that fit all of a filter, in the order of the log, the last first. What comes into the log meanwhile is on no later
 * page: going on gives nothing twice and leaves nothing out. The work for a page is bounded, so it may have fewer than
 * `limit` events, even none, and a `next`. Events that left for an archive are not found.
 */
export async function searchEvents(
  knex: Knex,
  filter: EventFilter,
  { limit, before }: EventPlace,
): Promise<EventPage> {
  const events: LoggedEvent[] = []
  const { from, until } = filter
  const wanted = { required: subjectsOfEvents(filter), from, until }
  const next = await walkLeaves(knex, wanted, before, async leaves => {
    events.push(...(await eventsAt(knex, leaves, { from, until }, limit - events.length)))
    return events.length === limit ? events.at(-1)?.leaf : undefined
  })
  return { events, next }
}
