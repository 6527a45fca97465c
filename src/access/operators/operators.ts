import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import { type Clock, newId, SealpostError } from '../../kernel/index.ts'
import { isUniqueViolation } from '../../platform/index.ts'
import { lockPendingOf, pendingOf, withdrawPendingOf } from '../changes/store.ts'
import type { Operator, OperatorRole } from './operator.ts'
import {
  allOperators,
  deleteLinks,
  endSessions,
  insertOperator,
  lockOperator,
  markOperatorRevoked,
  operatorNamed,
  operatorsInForce,
} from './store.ts'

const host: Actor = { kind: 'host' }

/**
 * Registers an operator. Throws `name_taken` when the name was ever given, or when somebody in force has the address:
 * one person under two names would be both of the two that a change needs.
 */
export async function addOperator(
  knex: Knex,
  clock: Clock,
  { name, address, roles }: Pick<Operator, 'name' | 'address' | 'roles'>,
): Promise<Operator> {
  const operator = {
    id: newId('opr', clock),
    name,
    address,
    roles: [...new Set(roles)].sort(),
    createdAt: clock.now(),
    revokedAt: null,
  }
  try {
    await knex.transaction(async trx => {
      await insertOperator(trx, operator)
      await appendEvents(trx, clock, [
        {
          actor: host,
          event: { type: 'operator.added', operator: operator.id, roles: operator.roles, name },
        },
      ])
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new SealpostError('name_taken')
    throw error
  }
  return operator
}

/** All operators that ever were, by name. */
export function listOperators(knex: Knex): Promise<readonly Operator[]> {
  return allOperators(knex)
}

/** The operators in force who have this role, for notices. */
export async function operatorsWith(knex: Knex, role: OperatorRole): Promise<readonly Operator[]> {
  return (await operatorsInForce(knex)).filter(({ roles }) => roles.includes(role))
}

/**
 * Ends an operator's access at once and for good: sessions and links end, what they asked for and nobody has decided
 * yet is withdrawn. When it resolves, nothing of theirs is under way: it waits for transactions in which they act.
 * Throws `not_found` when nobody of this name is in force.
 */
export async function revokeOperator(knex: Knex, clock: Clock, name: string): Promise<Operator> {
  for (;;) {
    const revoked = await knex.transaction(trx => revokeLocked(trx, clock, name))
    if (revoked !== undefined) return revoked
  }
}

/** Undefined, and nothing happened: they asked for another change meanwhile, and its lock comes before theirs. */
async function revokeLocked(
  trx: Knex.Transaction,
  clock: Clock,
  name: string,
): Promise<Operator | undefined> {
  const found = await operatorNamed(trx, name)
  if (found === undefined) throw new SealpostError('not_found')
  // In the order in which an approval takes them: requests, then operators. Links and sessions come after, as in signing in.
  const locked = new Set(await lockPendingOf(trx, found.id))
  const operator = await lockOperator(trx, found.id, 'alone')
  if (operator === undefined) throw new SealpostError('not_found')
  if (!(await pendingOf(trx, operator.id)).every(id => locked.has(id))) return undefined
  const at = clock.now()
  await markOperatorRevoked(trx, operator.id, at)
  await endSessions(trx, operator.id, at)
  await deleteLinks(trx, operator.id)
  const withdrawn = await withdrawPendingOf(trx, operator.id, at)
  await appendEvents(trx, clock, [
    { actor: host, event: { type: 'operator.revoked', operator: operator.id } },
    ...withdrawn.map(({ id, kind, subject }) => ({
      actor: host,
      event: { type: 'change.withdrawn', change: id, kind, subject } as const,
    })),
  ])
  return { ...operator, revokedAt: at }
}
