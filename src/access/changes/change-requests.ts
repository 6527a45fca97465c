import type { Knex } from 'knex'
import { type Actor, type AuditEntry, appendEvents } from '../../audit/index.ts'
import { type ChangeRequestId, type Clock, isId, newId, SealpostError } from '../../kernel/index.ts'
import { type Operator, requireRole } from '../operators/operator.ts'
import { actingAs } from './acting.ts'
import { type Change, type ChangeRequest, checkChange } from './change.ts'
import {
  changeRequestById,
  changeRequestPage,
  expirePending,
  insertChangeRequest,
  type Page,
  voidPending,
} from './store.ts'

const days = 7

/**
 * Asks for a change, in the caller's transaction, for 7 days. Throws, and the caller's transaction has to end with it:
 * `role_missing` unless the operator is an admin, `sign_in_required` when they were revoked meanwhile,
 * `invalid_request`, and `state_conflict` while another request of this kind and subject waits.
 */
export async function askForChange(
  trx: Knex.Transaction,
  clock: Clock,
  operator: Operator,
  change: Change,
): Promise<ChangeRequest> {
  requireRole(operator, 'admin')
  checkChange(change)
  const askedAt = clock.now()
  const request: ChangeRequest = {
    ...change,
    id: newId('chg', clock),
    state: 'pending',
    askedBy: operator.id,
    askedAt,
    expiresAt: new Date(askedAt.getTime() + days * 86_400_000),
    decidedBy: null,
    decidedAt: null,
  }
  const overdue = await expirePending(trx, askedAt, { kind: change.kind, subject: change.subject })
  const alone = await actingAs(trx, operator, () => insertChangeRequest(trx, request))
  if (!alone) throw new SealpostError('state_conflict')
  await appendEvents(trx, clock, [
    ...overdue.map(expired),
    {
      actor: { kind: 'operator', id: operator.id },
      event: { type: 'change.asked', change: request.id, kind: request.kind, subject: request.subject },
    },
  ])
  return request
}

/** Change requests, the newest first, `limit` (1 to 200) at a time; `after` is the last one of the page before. */
export async function listChangeRequests(knex: Knex, page: Page): Promise<readonly ChangeRequest[]> {
  return changeRequestPage(knex, { ...page, limit: Math.min(Math.max(page.limit, 1), 200) })
}

/** Throws `not_found`. */
export async function findChangeRequest(knex: Knex, id: string): Promise<ChangeRequest> {
  const found = isId('chg', id) ? await changeRequestById(knex, id) : undefined
  if (found === undefined) throw new SealpostError('not_found')
  return found
}

/** Settles every request that nobody decided in time, and gives them. They could not be approved any more anyway. */
export async function expireChangeRequests(
  trx: Knex.Transaction,
  clock: Clock,
): Promise<readonly ChangeRequest[]> {
  const overdue = await expirePending(trx, clock.now())
  await appendEvents(trx, clock, overdue.map(expired))
  return overdue
}

/**
 * Ends every request that waits about any of these, because they changed so that it cannot be applied: at once, in the
 * transaction of that change. The caller holds the lock of what changed, as whoever asks and approves does, and has not yet
 * written anything that refers to an operator.
 */
export async function voidChangeRequests(
  trx: Knex.Transaction,
  clock: Clock,
  actor: Actor,
  subjects: readonly Change['subject'][],
  reason: string,
): Promise<void> {
  const ended = await voidPending(trx, subjects, clock.now())
  await appendEvents(
    trx,
    clock,
    ended.map(({ id: change, kind, subject }) => ({
      actor,
      event: { type: 'change.voided', change, kind, subject, reason },
    })),
  )
}

export function expired({
  id,
  kind,
  subject,
}: {
  id: ChangeRequestId
  kind: string
  subject: string
}): AuditEntry {
  return { actor: { kind: 'gateway' }, event: { type: 'change.expired', change: id, kind, subject } }
}
