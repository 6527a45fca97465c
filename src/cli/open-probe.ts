import { Writable } from 'node:stream'
import type { Knex } from 'knex'
import { loadMailHost, loadRouting } from '../config/index.ts'
import { openProbe, openRouting, type PolicyAt, type Probe } from '../delivery/index.ts'
import { systemClock } from '../kernel/index.ts'
import { openLogger } from '../platform/index.ts'
import { listStore, openRevocation, openSignedFetch } from '../platform/revocation/index.ts'
import { policyInForce } from '../policy/index.ts'

/**
 * Runs one task with a probe that finds its way as the gateway with this environment does. Without a database, only rules
 * that are given can be probed, no copies of what others published are kept, and the crypto policy is not known.
 */
export async function withProbe<Result>(
  knex: Knex | undefined,
  task: (probe: Probe) => Promise<Result>,
): Promise<Result> {
  const { config, secrets } = loadRouting(process.env)
  const { allowedNetworks } = config
  const actor = { kind: 'host' } as const
  const clock = systemClock
  // What it would say is in the report.
  const log = openLogger({
    level: 'error',
    destination: new Writable({ write: (_chunk, _encoding, done) => done() }),
  })
  const mailHost = loadMailHost(process.env)
  const routing = await openRouting({ knex, clock, log, config, secrets, actor })
  try {
    return await task(
      openProbe({
        explain: (domain, rule) => routing.explain(domain, rule),
        clock,
        mailHost,
        publicCa: secrets.publicCa,
        revocation: openRevocation({
          store: knex === undefined ? noStore : listStore(knex),
          fetch: openSignedFetch({ allowedNetworks }),
          clock,
        }),
        records: knex && { knex, actor, policyAt: policyAt(knex) },
      }),
    )
  } finally {
    routing.close()
  }
}

function policyAt(knex: Knex): PolicyAt {
  return async at => {
    const adopted = await policyInForce(knex, at)
    if (adopted === undefined) return undefined
    const { minVersion: minTls, floor, revocation } = adopted.policy.tls
    return { minTls, floor, revocation }
  }
}

const noStore = { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() }
