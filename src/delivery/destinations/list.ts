import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { DestinationRule } from '../destination.ts'
import { type DestinationEntry, findDestinations } from '../store.ts'
import { writeRule } from './store.ts'

/** The rules of those `domains` (lower case) that have one. A domain without a rule cannot be sent to. */
export async function destinationsOf(
  knex: Knex | Knex.Transaction,
  domains: readonly string[],
): Promise<ReadonlyMap<string, DestinationRule>> {
  const found = await findDestinations(knex, domains)
  return new Map(found.map(({ domain, rule }) => [domain, rule]))
}

/** Every rule, by domain. */
export function listDestinations(knex: Knex | Knex.Transaction): Promise<readonly DestinationEntry[]> {
  return findDestinations(knex)
}

/** Sets how a domain is reached, with its audit event. As the owner role only. Open sessions end within a minute. */
export async function setDestination(
  knex: Knex,
  clock: Clock,
  domain: string,
  rule: DestinationRule,
): Promise<void> {
  await knex.transaction(async trx => {
    await writeRule(trx, { domain, rule, updatedAt: clock.now() })
    await appendEvents(trx, clock, [
      { actor: { kind: 'host' }, event: { type: 'destination.set', domain, mode: rule.mode } },
    ])
  })
}
