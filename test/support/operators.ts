import type { Knex } from 'knex'
import {
  addOperator,
  issueSignInLink,
  type Operator,
  type OperatorRole,
  signIn,
} from '../../src/access/index.ts'
import { type Address, type Clock, systemClock } from '../../src/kernel/index.ts'

export interface SignedIn {
  readonly operator: Operator
  /** The session's token. */
  readonly session: string
}

let count = 0

/** An operator with these roles, signed in. Takes the database as its owner, as the command line of the host does. */
export async function signedInOperator(
  owner: Knex,
  roles: readonly OperatorRole[],
  clock: Clock = systemClock,
): Promise<SignedIn> {
  const name = `${roles[0] ?? ''}-${++count}`
  await addOperator(owner, clock, { name, address: `${name}@operators.test` as Address, roles })
  const { token } = await issueSignInLink(owner, clock, name)
  return signIn(owner, clock, token)
}

/** The two people that a change takes: one who may ask, one who may approve; both signed in. */
export async function twoOperators(
  owner: Knex,
  clock: Clock = systemClock,
): Promise<{ admin: SignedIn; approver: SignedIn }> {
  return {
    admin: await signedInOperator(owner, ['admin'], clock),
    approver: await signedInOperator(owner, ['approver'], clock),
  }
}
