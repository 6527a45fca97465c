import type { Knex } from 'knex'
import { addPacked, blockSize, keepPlaces, listPlaces, noPlaces, packPlaces } from './places.ts'
import {
  type DeliveryRow,
  eventsBetween,
  factsOfDeliveries,
  firstPlaces,
  type Leaf,
  type Posting,
} from './store.ts'
import { subjectsOf } from './subjects-of.ts'

export const acceptance = 'type:message.accepted'

/**
 * What is known of the deliveries of a message, at the leaf where the message was accepted: that one of them ended so, that
 * an attempt at one of them had this outcome, that all of them have ended.
 */
export const deliverySubjects = {
  ended: (state: 'delivered' | 'failed') => `deliveries:${state}`,
  met: (outcome: string) => `deliveries:met:${outcome}`,
  settled: 'deliveries:settled',
} as const

const ends: Readonly<Record<string, 'delivered' | 'failed'>> = {
  'delivery.delivered': 'delivered',
  'delivery.failed': 'failed',
  'delivery.cancelled': 'failed',
}

export interface Built {
  /** By subject. */
  readonly postings: readonly Posting[]
  readonly first: Date | null
  readonly last: Date | null
}

/**
 * What the leaves from `first` up to `next` are about; those of one block, when it is to be written down. That all deliveries
 * of a message have ended is as of now.
 *
 * @param only the subjects that matter; all, unless given
 * @param known where messages were accepted, as far as it is not in the index; takes those of these leaves
 */
export async function build(
  knex: Knex,
  first: number,
  next: number,
  {
    only,
    known = new Map(),
  }: { readonly only?: ReadonlySet<string>; readonly known?: Map<string, number> } = {},
): Promise<Built> {
  const source = Math.floor(first / blockSize)
  const [leaves, events] = await readEvents(knex, first, next)
  const ids = only === undefined || [...only].some(needsFacts) ? new Set(events.flatMap(deliveriesIn)) : []
  const facts = new Map((await factsOfDeliveries(knex, [...ids])).map(row => [row.delivery, row]))

  const places = new Map<string, Map<number, Set<number>>>()
  const post = (subject: string, leaf: number): void => {
    if (only?.has(subject) === false) return
    const at = Math.floor(leaf / blockSize)
    const blocks = getOr(places, subject, () => new Map<number, Set<number>>())
    getOr(blocks, at, () => new Set<number>()).add(leaf % blockSize)
  }
  for (const [message, leaf] of acceptedHere(leaves, events)) known.set(message, leaf)
  const elsewhere = new Set<string>()
  for (const { message } of facts.values()) if (!known.has(message)) elsewhere.add(message)
  for (const [message, leaf] of await acceptedBefore(knex, elsewhere)) known.set(message, leaf)

  leaves.forEach(({ leaf }, i) => {
    const event = events[i] ?? {}
    const delivery = isOfDelivery(event) ? facts.get(event.delivery) : undefined
    for (const subject of subjectsOf(event, delivery)) post(subject, leaf)
    // An acceptance names its recipients, but not where they are.
    if (event['type'] === 'message.accepted') {
      for (const one of deliveriesIn(event)) post(`domain:${facts.get(one)?.domain ?? ''}`, leaf)
    }
    const accepted = delivery === undefined ? undefined : known.get(delivery.message)
    if (delivery === undefined || accepted === undefined) return
    for (const subject of ofAcceptance(event, delivery)) post(subject, accepted)
  })
  const times = leaves.map(({ at }) => at.getTime())
  return {
    postings: [...places].flatMap(([subject, blocks]) =>
      [...blocks].map(([at, set]) => ({
        subject,
        block: at,
        source,
        leaves: packPlaces([...set].sort((a, b) => a - b)),
      })),
    ),
    first: times.length === 0 ? null : new Date(Math.min(...times)),
    last: times.length === 0 ? null : new Date(Math.max(...times)),
  }
}

/** In pieces, between which the process does other things. */
async function readEvents(knex: Knex, first: number, next: number) {
  const leaves: Leaf[] = []
  const events: Readonly<Record<string, unknown>>[] = []
  for (let from = first; from < next; from += blockSize) {
    for (const leaf of await eventsBetween(knex, from, Math.min(from + blockSize, next))) {
      leaves.push(leaf)
      events.push(JSON.parse(leaf.body) as Readonly<Record<string, unknown>>)
    }
  }
  return [leaves, events] as const
}

function ofAcceptance(event: Readonly<Record<string, unknown>>, { settled }: DeliveryRow): readonly string[] {
  const { type, outcome } = event
  const ended = typeof type === 'string' ? ends[type] : undefined
  return [
    ...(typeof outcome === 'string' ? [deliverySubjects.met(outcome)] : []),
    ...(ended === undefined ? [] : [deliverySubjects.ended(ended)]),
    ...(ended !== undefined && settled ? [deliverySubjects.settled] : []),
  ]
}

/** What an event says of itself, none of which it could know of its delivery. */
const plain = /^(?:type|result|by|address|outcome|code|policy):|^(?:opr|chg|dlv|ntc|prp|att)_/

function needsFacts(subject: string): boolean {
  return !plain.test(subject)
}

function isOfDelivery(
  event: Readonly<Record<string, unknown>>,
): event is Readonly<Record<string, unknown>> & { readonly delivery: string } {
  return typeof event['delivery'] === 'string'
}

function deliveriesIn(event: Readonly<Record<string, unknown>>): readonly string[] {
  if (isOfDelivery(event)) return [event.delivery]
  if (event['type'] !== 'message.accepted' || !Array.isArray(event['deliveries'])) return []
  return (event['deliveries'] as readonly unknown[]).flatMap(entry =>
    typeof entry === 'object' && entry !== null && 'delivery' in entry && typeof entry.delivery === 'string'
      ? [entry.delivery]
      : [],
  )
}

/** The leaves of the messages that were accepted in this block. */
function acceptedHere(
  leaves: readonly Leaf[],
  events: readonly Readonly<Record<string, unknown>>[],
): Map<string, number> {
  return new Map(
    events.flatMap(({ type, message }, i) => {
      const leaf = leaves[i]?.leaf
      return type === 'message.accepted' && typeof message === 'string' && leaf !== undefined
        ? [[message, leaf] as const]
        : []
    }),
  )
}

/** Those of messages that were accepted in a block before. */
async function acceptedBefore(
  knex: Knex,
  messages: ReadonlySet<string>,
): Promise<readonly (readonly [message: string, leaf: number])[]> {
  return (await firstPlaces(knex, [...messages], acceptance)).flatMap(
    ({ subject, block, leaves, ofType }) => {
      const [both, accepted] = [noPlaces(), noPlaces()]
      addPacked(both, leaves)
      addPacked(accepted, ofType)
      keepPlaces(both, accepted)
      const place = listPlaces(both).at(-1)
      return place === undefined ? [] : [[subject, block * blockSize + place] as const]
    },
  )
}

function getOr<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const held = map.get(key)
  if (held !== undefined) return held
  const made = make()
  map.set(key, made)
  return made
}
