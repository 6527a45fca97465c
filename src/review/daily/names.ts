import type { Knex } from 'knex'
import { withheldIfCard } from '../../platform/index.ts'
import { type ActorRow, namesOf } from './store.ts'

export type Names = Awaited<ReturnType<typeof namesOf>>

export async function readNames(knex: Knex): Promise<Names> {
  const { applications, operators } = await namesOf(knex)
  const safe = (names: Map<string, string>) => new Map([...names].map(([id, name]) => [id, shown(name)]))
  return { applications: safe(applications), operators: safe(operators) }
}

const longest = 120

/** A text that somebody else chose, as a report may hold it: nothing that looks like a card number, and bounded. */
export function shown(text: string): string {
  const safe = withheldIfCard(text)
  return safe.length > longest ? `${safe.slice(0, longest).toWellFormed()}…` : safe
}

/** Who caused an event: a name where there is one, else what is known of where they came from. */
export function whoOf({ kind, id, network }: ActorRow, { applications, operators }: Names): string {
  switch (kind) {
    case 'application':
      return `application ${named(id, applications)}`
    case 'operator':
      return `operator ${named(id, operators)}`
    case 'recipient':
      return 'recipients'
    case 'peer':
      return `peers in ${network ?? 'unknown'} networks`
    default:
      return kind === 'gateway' || kind === 'host' ? kind : 'unknown'
  }
}

function named(id: string | null, names: ReadonlyMap<string, string>): string {
  return names.get(id ?? '') ?? shown(id ?? 'unknown')
}
