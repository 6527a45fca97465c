import type { Knex } from 'knex'
import type { ChangeRequestId, OperatorId } from '../../kernel/index.ts'
import { isInsufficientPrivilege, type PostgresError } from '../../platform/index.ts'
import type { Change, ChangeKind, ChangeRequest, ChangeState } from './change.ts'

const columns = {
  id: 'id',
  kind: 'kind',
  subject: 'subject',
  body: 'body',
  state: 'state',
  askedBy: 'asked_by',
  askedAt: 'asked_at',
  expiresAt: 'expires_at',
  decidedBy: 'decided_by',
  decidedAt: 'decided_at',
} as const
const returned = Object.entries(columns).map(([name, column]) => `${column} as ${name}`)

export interface Page {
  readonly state?: ChangeState | undefined
  readonly kind?: ChangeKind | undefined
  readonly subject?: string | undefined
  readonly limit: number
  /** The last request of the page before. */
  readonly after?: ChangeRequestId | undefined
}

/** The database itself knows, for the gateway, that this operator may not ask for it or decide on it. */
export function isOperatorRefused(error: unknown): boolean {
  return isInsufficientPrivilege(error) && (error as PostgresError).constraint === 'change_requests_operator'
}

/** Whether it was inserted: not while another one of its kind and subject waits. */
export async function insertChangeRequest(trx: Knex.Transaction, change: ChangeRequest): Promise<boolean> {
  const rows = await trx('change_requests')
    .insert({
      id: change.id,
      kind: change.kind,
      subject: change.subject,
      body: JSON.stringify(change.body),
      state: change.state,
      asked_by: change.askedBy,
      asked_at: change.askedAt,
      expires_at: change.expiresAt,
    })
    .onConflict(trx.raw("(kind, subject) WHERE state = 'pending'"))
    .ignore()
    .returning<{ id: string }[]>('id')
  return rows.length === 1
}

export async function changeRequestById(knex: Knex, id: ChangeRequestId): Promise<ChangeRequest | undefined> {
  return knex('change_requests').first<ChangeRequest | undefined>(columns).where({ id })
}

/** Reads a request for a decision: until this transaction ends, nobody else decides. */
export async function lockChangeRequest(
  trx: Knex.Transaction,
  id: ChangeRequestId,
): Promise<ChangeRequest | undefined> {
  return trx('change_requests').first<ChangeRequest | undefined>(columns).where({ id }).forUpdate()
}

/** The newest first. */
export async function changeRequestPage(
  knex: Knex,
  { state, kind, subject, limit, after }: Page,
): Promise<readonly ChangeRequest[]> {
  const query = knex('change_requests').select<ChangeRequest[]>(columns).orderBy('id', 'desc').limit(limit)
  if (state !== undefined) void query.where({ state })
  if (kind !== undefined) void query.where({ kind })
  if (subject !== undefined) void query.where({ subject })
  if (after !== undefined) void query.where('id', '<', after)
  return query
}

export async function settleChangeRequest(
  trx: Knex.Transaction,
  id: ChangeRequestId,
  state: Exclude<ChangeState, 'pending'>,
  by: OperatorId | null,
  at: Date,
): Promise<ChangeRequest> {
  const rows = await trx('change_requests')
    .where({ id, state: 'pending' })
    .update({ state, decided_by: by, decided_at: at })
    .returning<ChangeRequest[]>(returned)
  return rows[0] as ChangeRequest
}

/** Settles those that nobody decided in time, all or of one kind and subject. */
export async function expirePending(
  trx: Knex.Transaction,
  at: Date,
  only: Partial<Pick<Change, 'kind' | 'subject'>> = {},
): Promise<readonly ChangeRequest[]> {
  const overdue = trx('change_requests')
    .where({ state: 'pending', ...only })
    .where('expires_at', '<=', at)
  return settleAll(trx, overdue, 'expired', at)
}

/** Settles those that are about any of these, for all of them can be applied no more. */
export async function voidPending(
  trx: Knex.Transaction,
  subjects: readonly string[],
  at: Date,
): Promise<readonly ChangeRequest[]> {
  const about = trx('change_requests').where({ state: 'pending' }).whereIn('subject', subjects)
  return settleAll(trx, about, 'void', at)
}

/** Whoever settles several takes them in the order of their ids, so that no two wait for each other. */
async function settleAll(
  trx: Knex.Transaction,
  which: Knex.QueryBuilder,
  state: 'expired' | 'void',
  at: Date,
): Promise<readonly ChangeRequest[]> {
  const rows = (await which.select('id').orderBy('id').forUpdate()) as readonly { readonly id: string }[]
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  return trx('change_requests')
    .whereIn('id', ids)
    .update({ state, decided_at: at })
    .returning<ChangeRequest[]>(returned)
}

/** Waits for decisions that are under way on what this operator asked for. Gives what waits then. */
export async function lockPendingOf(
  trx: Knex.Transaction,
  operator: OperatorId,
): Promise<readonly ChangeRequestId[]> {
  const rows = await trx('change_requests')
    .select<{ id: ChangeRequestId }[]>('id')
    .where({ state: 'pending', asked_by: operator })
    .orderBy('id')
    .forUpdate()
  return rows.map(({ id }) => id)
}

/** What this operator asked for and nobody has decided yet, at this moment. */
export async function pendingOf(
  trx: Knex.Transaction,
  operator: OperatorId,
): Promise<readonly ChangeRequestId[]> {
  return trx('change_requests').where({ state: 'pending', asked_by: operator }).pluck<ChangeRequestId[]>('id')
}

export async function withdrawPendingOf(
  trx: Knex.Transaction,
  operator: OperatorId,
  at: Date,
): Promise<readonly ChangeRequest[]> {
  return trx('change_requests')
    .where({ state: 'pending', asked_by: operator })
    .update({ state: 'withdrawn', decided_at: at })
    .returning<ChangeRequest[]>(returned)
}
