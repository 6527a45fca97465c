import type { Knex } from 'knex'
import { appendEvents } from '../../../audit/index.ts'
import type { Clock } from '../../../kernel/index.ts'
import type { Dns } from '../../../platform/dns/index.ts'
import { type Logger, withheldIfCard } from '../../../platform/index.ts'
import type { StsFinding } from '../report.ts'
import type { FetchPolicy } from './fetch.ts'
import { announcedPolicy } from './record.ts'
import { findPolicyCopy, keepPolicyCopy, type PolicyCopy } from './store.ts'

export interface StsDependencies {
  /** Undefined: no copies are kept. */
  readonly knex: Knex | undefined
  readonly clock: Clock
  readonly dns: Pick<Dns, 'txt'>
  readonly fetchPolicy: FetchPolicy
  readonly log: Pick<Logger, 'warn'>
}

// RFC 8461 section 3.3 leaves it to us; so long a policy may change without a new id before we see it.
const dayMs = 86_400_000

/**
 * The MTA-STS policy of a domain at the moment (RFC 8461 section 5.1). A copy counts until its max_age is over, whatever
 * DNS and the policy host say meanwhile: only another policy from that host, which proved its name, takes its place.
 */
export async function findStsPolicy(dependencies: StsDependencies, domain: string): Promise<StsFinding> {
  const { knex, clock, dns, fetchPolicy, log } = dependencies
  const [kept, announced] = await Promise.all([
    knex && findPolicyCopy(knex, domain),
    dns.txt(`_mta-sts.${domain}`),
  ])
  const copy = kept !== undefined && kept.expiresAt > clock.now() ? kept : undefined
  const orCopy = (reason: Stale): StsFinding => {
    if (copy !== undefined) return { kind: 'policy', ...copy, stale: reason }
    return reason === 'no_record' ? { kind: 'none' } : { kind: 'failed', reason }
  }

  if (announced.kind === 'failed') return orCopy('dns_failed')
  const id = announced.kind === 'found' ? announcedPolicy(announced.records) : undefined
  if (id === undefined) return orCopy('no_record')
  if (copy?.id === id && isYoung(copy, clock.now())) return { kind: 'policy', ...copy }

  const fetched = await fetchPolicy(domain, id)
  if (!fetched.ok) {
    log.warn('sts-policy-unavailable', { domain, reason: fetched.failure })
    return orCopy(fetched.failure)
  }
  const { mode, mx, maxAge } = fetched.policy
  const fetchedAt = clock.now()
  const fresh = { domain, id, mode, mx, fetchedAt, expiresAt: new Date(fetchedAt.getTime() + maxAge * 1000) }
  if (knex !== undefined) await keep(knex, clock, fresh, kept)
  return { kind: 'policy', ...fresh }
}

type Stale = NonNullable<Extract<StsFinding, { kind: 'policy' }>['stale']>

function isYoung({ fetchedAt }: PolicyCopy, now: Date): boolean {
  const age = now.getTime() - fetchedAt.getTime()
  return age >= 0 && age < dayMs
}

/** Keeps a policy; that it says something else than the copy before is an event. */
async function keep(
  knex: Knex,
  clock: Clock,
  fresh: PolicyCopy,
  before: PolicyCopy | undefined,
): Promise<void> {
  const { domain, id, mode } = fresh
  await knex.transaction(async trx => {
    await keepPolicyCopy(trx, fresh)
    if (before !== undefined && isSame(before, fresh)) return
    const event = { type: 'mta_sts.policy.learnt', domain, policyId: withheldIfCard(id), mode } as const
    await appendEvents(trx, clock, [{ actor: { kind: 'gateway' }, event }])
  })
}

function isSame(one: PolicyCopy, other: PolicyCopy): boolean {
  return one.id === other.id && one.mode === other.mode && one.mx.join() === other.mx.join()
}
