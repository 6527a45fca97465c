import type { Knex } from 'knex'
import { appendEvents } from '../audit/index.ts'
import { type Clock, newId } from '../kernel/index.ts'
import { readPolicyFile } from '../policy/index.ts'
import { insertPolicyRecord, type Period } from './store.ts'

const always: Period = { from: new Date('2020-01-01T00:00:00Z'), until: new Date('2100-01-01T00:00:00Z') }

/**
 * Puts a policy in force without its two people: for the bench and the tests. Needs the database's owner, and nothing that
 * `serve` loads reaches this file, as with `activateRecipient`. From 2020 to 2100 unless told otherwise.
 */
export async function approvePolicy(
  owner: Knex,
  clock: Clock,
  policy = 'standard',
  period: Period = always,
): Promise<void> {
  const { sha256 } = readPolicyFile(policy)
  const id = newId('pol', clock)
  const [effectiveAt, expiresAt] = [period.from.toISOString(), period.until.toISOString()]
  await owner.transaction(async trx => {
    await insertPolicyRecord(trx, { id, policy, sha256, ...period })
    await appendEvents(trx, clock, [
      {
        actor: { kind: 'host' },
        event: { type: 'policy.adopted', record: id, policy, sha256, effectiveAt, expiresAt, refused: 0 },
      },
    ])
  })
}
