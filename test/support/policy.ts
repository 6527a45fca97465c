import type { Knex } from 'knex'
import { approvePolicy as approve } from '../../src/demo/index.ts'
import { systemClock } from '../../src/kernel/index.ts'

/** Puts a policy of keys-policy in force, from 2020 to 2100: without one, nothing is accepted or sent. */
export function approvePolicy(owner: Knex, policy = 'standard'): Promise<void> {
  return approve(owner, systemClock, policy)
}
