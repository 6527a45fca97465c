import type { Knex } from 'knex'
import { type ChangeRequest, listChangeRequests } from '../../access/index.ts'
import { type DestinationEvent, destinationEvents } from '../../audit/index.ts'
import { type Address, domainOf } from '../../kernel/index.ts'
import type { DestinationRule } from '../destination.ts'
import { type DestinationEntry, findDestinations } from '../store.ts'
import { ruleSha256 } from './digest.ts'
import {
  type Destination,
  type DestinationPage,
  type DomainAttempt,
  findRule,
  lastAttempts,
  lastDelivered,
  rulePage,
} from './store.ts'

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

/** How a domain fared: null where it was never tried. */
interface DomainRecord {
  readonly last: DomainAttempt | null
  readonly lastDelivered: DomainAttempt | null
}

export type DestinationSummary = Destination & DomainRecord

/** Rules by domain, `limit` (1 to 200) at a time, each with how its servers fared. */
export async function destinationPage(
  knex: Knex,
  page: DestinationPage,
): Promise<readonly DestinationSummary[]> {
  const rules = await rulePage(knex, { ...page, limit: Math.min(Math.max(page.limit, 1), 200) })
  const domains = rules.map(({ domain }) => domain)
  const [last, delivered] = await Promise.all([lastAttempts(knex, domains), lastDelivered(knex, domains)])
  return rules.map(rule => ({
    ...rule,
    last: last.get(rule.domain) ?? null,
    lastDelivered: delivered.get(rule.domain) ?? null,
  }))
}

export interface DestinationDetails extends DomainRecord {
  readonly domain: string
  /** Null when there is none: then nothing is sent to the domain. */
  readonly rule: DestinationRule | null
  /** As audit events name the rule. */
  readonly sha256: string | null
  readonly updatedAt: Date | null
  /** What was asked about it and waits for somebody. */
  readonly waiting: ChangeRequest | null
  /** The newest first, at most 50. */
  readonly history: readonly DestinationEvent[]
}

/** Everything that is known of a domain (lower case), whether it has a rule or not. */
export async function showDestination(knex: Knex, domain: string): Promise<DestinationDetails> {
  const about = { kind: 'destination.set', subject: domain, state: 'pending', limit: 1 } as const
  const [found, last, delivered, waiting, history] = await Promise.all([
    findRule(knex, domain),
    lastAttempts(knex, [domain]),
    lastDelivered(knex, [domain]),
    listChangeRequests(knex, about),
    destinationEvents(knex, domain, 50),
  ])
  return {
    domain,
    rule: found?.rule ?? null,
    sha256: found === undefined ? null : ruleSha256(found.rule),
    updatedAt: found?.updatedAt ?? null,
    last: last.get(domain) ?? null,
    lastDelivered: delivered.get(domain) ?? null,
    waiting: waiting[0] ?? null,
    history,
  }
}

/** Whether nothing, not even an invitation, can be sent to this address, because its domain has no rule. */
export async function lacksDestination(knex: Knex, address: Address): Promise<boolean> {
  return (await findRule(knex, domainOf(address))) === undefined
}
