import type { Knex } from 'knex'
import { findLeaves } from '../audit-log/index.ts'
import type { MessageId } from '../kernel/index.ts'
import type { Leaf } from '../verifier/index.ts'
import { eventsAbout, eventsAt, eventsOfDomains, type MessageRow } from './store.ts'

/** Of these, an event is found by what it is about; of a message and its deliveries, by the index of the log's leaves. */
const alsoAbout = ['recipient', 'proposal', 'policy', 'subject'] as const

/**
 * Every event in the log that the evidence of a message could rest on, by growing leaf: what became of the message, then what
 * happened to whomever those events name, and so on until nobody new is named.
 */
export async function gatherEvents(knex: Knex, message: MessageId): Promise<readonly Leaf[]> {
  const found = new Map<number, Leaf>()
  const asked = new Set<string>()
  let news = await eventsAt(knex, await leavesAbout(knex, message))
  while (news.length > 0) {
    for (const event of news) found.set(event.leaf, event)
    const named = new Set(news.flatMap(({ body }) => namedIn(JSON.parse(body) as Fields)))
    const subjects = [...named].filter(name => !asked.has(name))
    for (const name of subjects) asked.add(name)
    const next = [
      ...(await eventsAbout(knex, subjects)),
      ...(await eventsOfDomains(
        knex,
        subjects.filter(name => name.includes('.')),
      )),
    ]
    news = next.filter(({ leaf }) => !found.has(leaf))
  }
  return [...found.values()].sort((a, b) => a.leaf - b.leaf)
}

/** Whether the log has every attempt and every end that the tables know of. */
export function isWhole({ deliveries, attempts }: MessageRow, events: readonly Leaf[]): boolean {
  const steps = events.map(({ body }) => JSON.parse(body) as Fields)
  const ends = new Set(['delivery.delivered', 'delivery.failed', 'delivery.cancelled'])
  return (
    deliveries.every(
      ({ id, settled }) =>
        !settled || steps.some(({ type, delivery }) => delivery === id && ends.has(String(type))),
    ) &&
    attempts.every(({ delivery: id, number }) =>
      steps.some(({ delivery, attempt }) => delivery === id && attempt === number),
    )
  )
}

type Fields = Readonly<Record<string, unknown>>

async function leavesAbout(knex: Knex, message: MessageId): Promise<readonly number[]> {
  const leaves: number[] = []
  for await (const found of findLeaves(knex, { required: [message] })) leaves.push(...found.leaves)
  return leaves
}

/** Ids of people, proposals, policies and applications, the names of policies, and the domains of addresses. */
function namedIn(event: Fields): readonly string[] {
  const { actor, address, deliveries, policy } = event
  return [
    ...alsoAbout.map(name => event[name]),
    isFields(actor) ? actor['id'] : undefined,
    isFields(policy) ? policy['record'] : undefined,
    typeof address === 'string' ? address.slice(address.lastIndexOf('@') + 1).toLowerCase() : undefined,
    ...(Array.isArray(deliveries)
      ? deliveries.map(one => (isFields(one) ? one['recipient'] : undefined))
      : []),
  ].filter(name => typeof name === 'string')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
