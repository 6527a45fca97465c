import type { Knex } from 'knex'
import { type FindRoute, openRoutes, type RouteDependencies } from '../../src/delivery/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import type { Dns } from '../../src/platform/dns/index.ts'
import { peerGuard } from '../../src/platform/index.ts'

/** DNS of which a test sets the answers; what it does not set is not there. */
export function fixedDns(answers: Partial<Dns> = {}): Dns {
  const none = () => Promise.resolve({ kind: 'none', secure: false, exists: true } as const)
  return { validates: false, addresses: none, mx: none, tlsa: none, alias: none, txt: none, ...answers }
}

/** DNS that finds every host where `lookup` says; a rejection is a failure of DNS. */
export function hostsAt(lookup: (host: string) => Promise<readonly string[]>): Dns {
  return fixedDns({
    addresses: async host => {
      try {
        const records = await lookup(host)
        return records.length === 0
          ? { kind: 'none', secure: false, exists: true }
          : { kind: 'found', secure: false, records, canonical: host }
      } catch {
        return { kind: 'failed' }
      }
    },
  })
}

export const loopbackDns = hostsAt(() => Promise.resolve(['127.0.0.1']))

/** Routes by the rules of the database, to servers on this host. */
export function loopbackRoutes(knex: Knex): FindRoute {
  const mayConnect = peerGuard([{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }])
  return openRoutes({ ...alone, knex, dns: loopbackDns, mayConnect })
}

/** What routes need in a world where nobody has a policy and nothing is relayed. */
export const alone = {
  clock: systemClock,
  fetchPolicy: () => Promise.resolve({ ok: false, failure: 'name_unknown' }),
  relay: undefined,
  log: { warn: () => undefined },
} as const satisfies Partial<RouteDependencies>
