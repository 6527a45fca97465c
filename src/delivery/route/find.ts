import type { Knex } from 'knex'
import type { Dns } from '../../platform/dns/index.ts'
import { findDestination } from '../store.ts'
import { routeToListed } from './listed.ts'
import type { FindRoute } from './route.ts'

export interface RouteDependencies {
  readonly knex: Knex
  readonly dns: Dns
  readonly mayConnect: (address: string) => boolean
}

/** The route to a domain as its rule, DNS and the policies of others say at the moment. */
export function openRoutes({ knex, dns, mayConnect }: RouteDependencies): FindRoute {
  return async domain => {
    const rule = await findDestination(knex, domain)
    if (rule === undefined) return { ok: false, outcome: 'destination_missing' }
    if (rule.mode === 'auto') return { ok: false, outcome: 'destination_not_authenticated' }
    return routeToListed(rule, dns, mayConnect)
  }
}
