import type { Knex } from 'knex'
import type { OperatorId } from '../../kernel/index.ts'
import type { Operator } from './operator.ts'

const columns = {
  id: 'operators.id',
  name: 'operators.name',
  address: 'operators.address',
  roles: 'operators.roles',
  createdAt: 'operators.created_at',
  revokedAt: 'operators.revoked_at',
} as const

export interface HandedOut {
  readonly tokenSha256: Buffer
  readonly operatorId: OperatorId
  readonly createdAt: Date
  readonly expiresAt: Date
}

export async function insertOperator(trx: Knex.Transaction, operator: Operator): Promise<void> {
  await trx('operators').insert({
    id: operator.id,
    name: operator.name,
    address: operator.address,
    roles: operator.roles,
    created_at: operator.createdAt,
  })
}

export async function allOperators(knex: Knex): Promise<readonly Operator[]> {
  return knex('operators').select<Operator[]>(columns).orderBy('name')
}

export async function operatorsInForce(knex: Knex): Promise<readonly Operator[]> {
  return knex('operators').select<Operator[]>(columns).whereNull('revoked_at').orderBy('name')
}

export async function operatorInForce(knex: Knex, id: OperatorId): Promise<Operator | undefined> {
  return knex('operators').first<Operator | undefined>(columns).where({ id }).whereNull('revoked_at')
}

export async function operatorNamed(knex: Knex, name: string): Promise<Operator | undefined> {
  return knex('operators').first<Operator | undefined>(columns).where({ name }).whereNull('revoked_at')
}

/**
 * One at a time. `alone` also waits for every transaction that has written a reference to the operator, and makes later
 * ones wait.
 */
export async function lockOperator(
  trx: Knex.Transaction,
  id: OperatorId,
  how: 'alone' | 'beside references',
): Promise<Operator | undefined> {
  const query = trx('operators').first<Operator | undefined>(columns).where({ id }).whereNull('revoked_at')
  return how === 'alone' ? query.forUpdate() : query.forNoKeyUpdate()
}

export async function markOperatorRevoked(trx: Knex.Transaction, id: OperatorId, at: Date): Promise<void> {
  await trx('operators').where({ id }).update({ revoked_at: at })
}

export async function insertLink(trx: Knex.Transaction, link: HandedOut): Promise<void> {
  await trx('operator_links').insert({
    token_sha256: link.tokenSha256,
    operator_id: link.operatorId,
    created_at: link.createdAt,
    expires_at: link.expiresAt,
  })
}

export async function operatorOfLink(knex: Knex, tokenSha256: Buffer): Promise<OperatorId | undefined> {
  const link = await knex('operator_links')
    .first<{ operator_id: OperatorId } | undefined>('operator_id')
    .where({ token_sha256: tokenSha256 })
  return link?.operator_id
}

/** Whether the link could still be used, and now is. Of two uses at once, the second sees what the first did. */
export async function useLink(trx: Knex.Transaction, tokenSha256: Buffer, at: Date): Promise<boolean> {
  const used = await trx('operator_links')
    .where({ token_sha256: tokenSha256 })
    .where('expires_at', '>', at)
    .whereNull('used_at')
    .update({ used_at: at })
  return used === 1
}

export async function deleteLinks(trx: Knex.Transaction, operator: OperatorId): Promise<void> {
  await trx('operator_links').where({ operator_id: operator }).delete()
}

export async function insertSession(trx: Knex.Transaction, session: HandedOut): Promise<void> {
  await trx('operator_sessions').insert({
    token_sha256: session.tokenSha256,
    operator_id: session.operatorId,
    created_at: session.createdAt,
    last_seen_at: session.createdAt,
    expires_at: session.expiresAt,
  })
}

/** The operator of a session that is open and was used after `idleSince`; remembers that it was used at `at`. */
export async function touchSession(
  knex: Knex,
  tokenSha256: Buffer,
  at: Date,
  idleSince: Date,
): Promise<Operator | undefined> {
  const rows = await knex('operator_sessions')
    .updateFrom('operators')
    .where({ token_sha256: tokenSha256 })
    .whereRaw('operators.id = operator_id')
    .whereNull('revoked_at')
    .whereNull('ended_at')
    .where('expires_at', '>', at)
    .where('last_seen_at', '>', idleSince)
    // Replicas' clocks differ a little: a session never grows older by being used.
    .update({ last_seen_at: knex.raw('greatest(last_seen_at, ?)', [at]) })
    .returning<Operator[]>(Object.entries(columns).map(([name, column]) => `${column} as ${name}`))
  return rows[0]
}

export async function endSession(
  trx: Knex.Transaction,
  tokenSha256: Buffer,
  at: Date,
): Promise<OperatorId | undefined> {
  const rows = await trx('operator_sessions')
    .where({ token_sha256: tokenSha256 })
    .whereNull('ended_at')
    .update({ ended_at: at })
    .returning<{ operator_id: OperatorId }[]>('operator_id')
  return rows[0]?.operator_id
}

export async function endSessions(trx: Knex.Transaction, operator: OperatorId, at: Date): Promise<void> {
  await trx('operator_sessions')
    .where({ operator_id: operator })
    .whereNull('ended_at')
    .update({ ended_at: at })
}

/** Ends the sessions whose time is over, of everybody or of one operator; gives whose they were. */
export async function endExpiredSessions(
  trx: Knex.Transaction,
  at: Date,
  idleSince: Date,
  operator?: OperatorId,
): Promise<readonly OperatorId[]> {
  const query = trx('operator_sessions')
    .whereNull('ended_at')
    .whereRaw('(expires_at <= ? OR last_seen_at <= ?)', [at, idleSince])
  if (operator !== undefined) query.where({ operator_id: operator })
  const rows = await query.update({ ended_at: at }).returning<{ operator_id: OperatorId }[]>('operator_id')
  return rows.map(row => row.operator_id)
}

/** What no longer opens anything is of no use to keep: the audit log has its story. */
export async function deleteEndedSessions(trx: Knex.Transaction, operator: OperatorId): Promise<void> {
  await trx('operator_sessions').where({ operator_id: operator }).whereNotNull('ended_at').delete()
}
