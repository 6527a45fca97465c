import type { Knex } from 'knex'
import type { Actor, AuditEvent } from './events/index.ts'
import { eventsAboutDomain } from './store.ts'

export type DestinationEvent = Extract<AuditEvent, { type: 'destination.set' | 'destination.removed' }> & {
  readonly at: string
  readonly actor: Actor
}

/** Who set or removed the rule of a domain, the newest first. */
export async function destinationEvents(
  knex: Knex,
  domain: string,
  limit: number,
): Promise<readonly DestinationEvent[]> {
  return (await eventsAboutDomain(knex, domain, limit)).map(body => {
    const entries = Object.entries(JSON.parse(body) as object)
    // What keeps the event's hash from being guessed stays in the log.
    return Object.fromEntries(entries.filter(([name]) => name !== 'salt')) as unknown as DestinationEvent
  })
}
