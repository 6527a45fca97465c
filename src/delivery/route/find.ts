import type { Knex } from 'knex'
import type { Clock } from '../../kernel/index.ts'
import type { Dns } from '../../platform/dns/index.ts'
import type { Logger } from '../../platform/index.ts'
import type { DestinationRule } from '../destination.ts'
import { findDestination } from '../store.ts'
import { decide } from './auto/decide.ts'
import { smtpPort, survey } from './auto/survey.ts'
import { routeToListed } from './listed.ts'
import { type Relay, routeByRelay } from './relay.ts'
import type { RouteReport } from './report.ts'
import type { FetchPolicy } from './sts/fetch.ts'

export interface RouteDependencies {
  /** Undefined: no domain has a rule of its own, and no copies of policies are kept. */
  readonly knex: Knex | undefined
  readonly clock: Clock
  readonly dns: Dns
  readonly mayConnect: (address: string) => boolean
  readonly fetchPolicy: FetchPolicy
  /** Undefined: mail goes to each domain's own servers. */
  readonly relay: Relay | undefined
  readonly log: Pick<Logger, 'warn'>
  /** From 0 to less than 1: which of several equal servers is first. */
  readonly random: () => number
  /** Where mail servers that DNS names listen. Default 25. */
  readonly mxPort?: number
}

/** The route to a domain (lower case) with everything found on the way. Rejects only when the database does. */
export async function explainRoute(dependencies: RouteDependencies, domain: string): Promise<RouteReport> {
  const { knex } = dependencies
  return explainRule(dependencies, domain, knex && (await findDestination(knex, domain)))
}

/** The same as if that was the domain's rule. */
export async function explainRule(
  dependencies: RouteDependencies,
  domain: string,
  rule: DestinationRule | undefined,
): Promise<RouteReport> {
  const { dns, mayConnect, relay } = dependencies
  const known = { domain, rule, validates: dns.validates, findings: undefined }
  if (rule === undefined) return { ...known, route: { ok: false, outcome: 'destination_missing' } }
  if (relay !== undefined) {
    return { ...known, route: routeByRelay(rule, relay, await routeToListed(relay.rule, dns, mayConnect)) }
  }
  if (rule.mode === 'auto') {
    const findings = await survey(dependencies, domain)
    return { ...known, findings, route: decide(rule, findings, dependencies.mxPort ?? smtpPort) }
  }
  return { ...known, route: await routeToListed(rule, dns, mayConnect) }
}
