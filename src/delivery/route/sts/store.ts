import type { Knex } from 'knex'
import type { StsPolicy } from './policy.ts'

/** A policy as it was fetched. */
export interface PolicyCopy {
  readonly domain: string
  readonly id: string
  readonly mode: StsPolicy['mode']
  readonly mx: readonly string[]
  readonly fetchedAt: Date
  readonly expiresAt: Date
}

const columns = {
  domain: 'domain',
  id: 'policy_id',
  mode: 'mode',
  mx: 'mx',
  fetchedAt: 'fetched_at',
  expiresAt: 'expires_at',
} as const

export async function findPolicyCopy(
  knex: Knex | Knex.Transaction,
  domain: string,
): Promise<PolicyCopy | undefined> {
  return await knex('mta_sts_policies').where({ domain }).first<PolicyCopy | undefined>(columns)
}

/** Keeps a copy unless a younger one is there. One far younger was fetched by a clock that was wrong. */
export async function keepPolicyCopy(trx: Knex.Transaction, copy: PolicyCopy): Promise<void> {
  await trx.raw(
    `INSERT INTO mta_sts_policies AS old (domain, policy_id, mode, mx, fetched_at, expires_at)
     VALUES (?, ?, ?, ?::text[], ?, ?)
     ON CONFLICT (domain) DO UPDATE
        SET policy_id = excluded.policy_id, mode = excluded.mode, mx = excluded.mx,
            fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
      WHERE old.fetched_at <= excluded.fetched_at
         OR old.fetched_at > excluded.fetched_at + interval '1 hour'`,
    [copy.domain, copy.id, copy.mode, [...copy.mx], copy.fetchedAt, copy.expiresAt],
  )
}
