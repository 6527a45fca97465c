import type { Knex } from 'knex'
import { SealpostError } from '../../kernel/index.ts'
import type { Operator } from '../operators/operator.ts'
import { operatorInForce } from '../operators/store.ts'
import { isOperatorRefused } from './store.ts'

/**
 * Writes what refers to the operator, then asks whether they are still in force: the reference waits for a revocation
 * under way (its lock conflicts with that of the foreign key), and a later revocation waits for this transaction.
 * So an act of an operator is over before their revocation is, or does not happen. Throws `sign_in_required`.
 */
export async function actingAs<Result>(
  trx: Knex.Transaction,
  operator: Operator,
  write: () => Promise<Result>,
): Promise<Result> {
  const result = await write().catch((error: unknown) => {
    // Roles never change and were checked before: what the database refuses is somebody who was revoked.
    throw isOperatorRefused(error) ? new SealpostError('sign_in_required') : error
  })
  if ((await operatorInForce(trx, operator.id)) === undefined) throw new SealpostError('sign_in_required')
  return result
}
