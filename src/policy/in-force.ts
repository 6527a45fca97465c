import type { Knex } from 'knex'
import { type Policy, readPolicyFile } from './load.ts'
import { findLatest, findScheduled, type PolicyRecord } from './store.ts'

export interface AdoptedPolicy {
  readonly record: PolicyRecord
  readonly policy: Policy
}

/** What is in force, or why nothing is: nobody adopted anything, it lapsed, or its file is not what was approved. */
export type PolicyStanding =
  | ({ readonly state: 'in_force' } & AdoptedPolicy)
  | { readonly state: 'none' }
  | { readonly state: 'lapsed' | 'altered'; readonly record: PolicyRecord }

/**
 * The record that took effect last decides, and nothing before it: when it lapsed, or its file is missing or not the
 * approved one to the octet, no policy is in force, and so nothing is sent.
 */
export async function policyStanding(knex: Knex | Knex.Transaction, at: Date): Promise<PolicyStanding> {
  const record = await findLatest(knex, at)
  if (record === undefined) return { state: 'none' }
  if (record.expiresAt <= at) return { state: 'lapsed', record }
  const policy = approvedPolicy(record)
  return policy === undefined ? { state: 'altered', record } : { state: 'in_force', record, policy }
}

/** The policy in force at `at`; undefined when there is none, whatever the cause. One query and one small file. */
export async function policyInForce(
  knex: Knex | Knex.Transaction,
  at: Date,
): Promise<AdoptedPolicy | undefined> {
  const standing = await policyStanding(knex, at)
  return standing.state === 'in_force' ? { record: standing.record, policy: standing.policy } : undefined
}

/** What was adopted and takes effect after `at`, soonest first; without those whose file is not the approved one. */
export async function scheduledPolicies(
  knex: Knex | Knex.Transaction,
  at: Date,
): Promise<readonly AdoptedPolicy[]> {
  const records = await findScheduled(knex, at)
  return records.flatMap(record => {
    const policy = approvedPolicy(record)
    return policy === undefined ? [] : [{ record, policy }]
  })
}

function approvedPolicy(record: PolicyRecord): Policy | undefined {
  try {
    const file = readPolicyFile(record.policy)
    return file.sha256 === record.sha256 ? file.policy : undefined
  } catch {
    // Missing, or not a policy any more.
    return undefined
  }
}
