import type { Knex } from 'knex'
import type { Happening, Happenings } from './facts.ts'
import { type Names, shown, whoOf } from './names.ts'
import { eventsOfTypes, type Period } from './store.ts'

/** The most that a section lists. */
const mostListed = 200

/** Events one by one, the oldest first. */
export async function happenings(
  knex: Knex,
  period: Period,
  names: Names,
  types: readonly string[],
): Promise<Happenings> {
  const { bodies, count } = await eventsOfTypes(knex, period, types, mostListed)
  return { list: bodies.map(body => happening(body, names)), more: count - bodies.length }
}

// Said apart, or of no use to a reader.
const notAbout = new Set(['id', 'at', 'type', 'actor', 'result', 'salt', 'from'])

function happening(body: string, names: Names): Happening {
  const event = JSON.parse(body) as Readonly<Record<string, unknown>>
  const actor = event['actor'] as { readonly kind: string; readonly id?: string }
  const about = Object.entries(event).flatMap(([name, value]) =>
    notAbout.has(name) || !['string', 'number', 'boolean'].includes(typeof value)
      ? []
      : [`${name}=${shown(String(value))}`],
  )
  return {
    at: String(event['at']),
    type: String(event['type']),
    who: whoOf({ kind: actor.kind, id: actor.id ?? null, network: null }, names),
    about,
  }
}
