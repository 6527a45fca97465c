import type { Knex } from 'knex'
import { appendEvents, recordEvent } from '../../audit/index.ts'
import { type Clock, isId, SealpostError } from '../../kernel/index.ts'
import { type Operator, requireRole } from '../operators/operator.ts'
import { actingAs } from './acting.ts'
import { type ChangeKind, type ChangeRequest, type ChangeRequestOf, checkChange } from './change.ts'
import { expired } from './change-requests.ts'
import { changeRequestById, lockChangeRequest, settleChangeRequest } from './store.ts'

/**
 * Does what was approved, in the transaction of the approval. Throws `state_conflict` when what was asked does not fit
 * any more: then nothing happens, and the request still waits.
 */
export type ApplyChange<Kind extends ChangeKind = ChangeKind> = (
  trx: Knex.Transaction,
  change: ChangeRequestOf<Kind>,
  approver: Operator,
) => Promise<void>

/**
 * A change whose subject has a lock of its own, or that needs something for which a transaction may not wait.
 *
 * The order in which locks are taken is one everywhere: subject, change requests by their ids, operators. So whoever changes
 * the subject can end the requests about it, and nobody waits for somebody who waits for them.
 */
export interface StagedChange<Kind extends ChangeKind = ChangeKind> {
  /** Before the transaction of an approval: what takes a network or a sandbox. Throws to refuse the approval. */
  prepare(change: ChangeRequestOf<Kind>): Promise<ApplyChange<Kind>>
  /** First in the transaction of an approval: the lock that every step of the subject takes first. Throws `not_found`. */
  lock(trx: Knex.Transaction, change: ChangeRequestOf<Kind>): Promise<unknown>
}

export type ApplyChanges = { readonly [Kind in ChangeKind]: ApplyChange<Kind> | StagedChange<Kind> }

/**
 * The second person's part. Each decides in one transaction and gives the request as it is then. Throws `not_found`,
 * `state_conflict` when the request was decided already or has expired, `sign_in_required` when the operator was
 * revoked meanwhile. Every refusal of a request that exists is audited as `change.refused`.
 */
export interface Approvals {
  /** Applies the change. Throws also `role_missing` unless an approver, `own_request`, and what applying throws. */
  approve(operator: Operator, id: string): Promise<ChangeRequest>
  /** Throws also `role_missing` unless an approver, `own_request`. */
  reject(operator: Operator, id: string): Promise<ChangeRequest>
  /** Throws also `role_missing` unless it is the operator's own. */
  withdraw(operator: Operator, id: string): Promise<ChangeRequest>
}

type Decision = 'approved' | 'rejected' | 'withdrawn'

/** What was prepared for an approval. */
interface Prepared {
  lock(trx: Knex.Transaction): Promise<unknown>
  apply(trx: Knex.Transaction, change: ChangeRequest, approver: Operator): Promise<void>
}

const nothing: Prepared = { lock: () => Promise.resolve(), apply: () => Promise.resolve() }

export function openApprovals({
  knex,
  clock,
  apply,
}: {
  knex: Knex
  clock: Clock
  apply: ApplyChanges
}): Approvals {
  const settle = async (
    trx: Knex.Transaction,
    operator: Operator,
    request: ChangeRequest,
    decision: Decision,
    prepared: Prepared,
  ): Promise<ChangeRequest> => {
    const settled = await actingAs(trx, operator, () =>
      settleChangeRequest(trx, request.id, decision, operator.id, clock.now()),
    )
    const { id: change, kind, subject } = request
    await appendEvents(trx, clock, [
      {
        actor: { kind: 'operator', id: operator.id },
        event: { type: `change.${decision}`, change, kind, subject },
      },
    ])
    await prepared.apply(trx, settled, operator)
    return settled
  }

  const decideLocked = async (
    trx: Knex.Transaction,
    operator: Operator,
    { id }: ChangeRequest,
    decision: Decision,
    prepared: Prepared,
  ): Promise<ChangeRequest> => {
    await prepared.lock(trx)
    const request = await lockChangeRequest(trx, id)
    if (request === undefined) throw new SealpostError('not_found')
    assertMayDecide(operator, request, decision)
    if (request.expiresAt > clock.now()) return settle(trx, operator, request, decision, prepared)
    await appendEvents(trx, clock, [expired(request)])
    return settleChangeRequest(trx, id, 'expired', null, clock.now())
  }

  const prepare = async (request: ChangeRequest): Promise<Prepared> => {
    // What was stored by another version may be of another form.
    checkChange(request)
    const given = apply[request.kind] as ApplyChange | StagedChange
    if (typeof given === 'function') return { ...nothing, apply: given }
    return { lock: trx => given.lock(trx, request), apply: await given.prepare(request) }
  }

  const decideFound = async (
    operator: Operator,
    found: ChangeRequest,
    decision: Decision,
  ): Promise<ChangeRequest> => {
    assertMayDecide(operator, found, decision)
    const prepared = decision === 'approved' ? await prepare(found) : nothing
    const settled = await knex.transaction(trx => decideLocked(trx, operator, found, decision, prepared))
    if (settled.state === 'expired') throw new SealpostError('state_conflict')
    return settled
  }

  const decide = async (operator: Operator, id: string, decision: Decision): Promise<ChangeRequest> => {
    const found = isId('chg', id) ? await changeRequestById(knex, id) : undefined
    if (found === undefined) throw new SealpostError('not_found')
    try {
      return await decideFound(operator, found, decision)
    } catch (error) {
      if (error instanceof SealpostError && !error.temporary && error.code !== 'internal_error') {
        const { id: change, kind, subject } = found
        await recordEvent(
          knex,
          clock,
          { kind: 'operator', id: operator.id },
          { type: 'change.refused', change, kind, subject, decision, code: error.code },
        )
      }
      throw error
    }
  }

  return {
    approve: (operator, id) => decide(operator, id, 'approved'),
    reject: (operator, id) => decide(operator, id, 'rejected'),
    withdraw: (operator, id) => decide(operator, id, 'withdrawn'),
  }
}

function assertMayDecide(
  operator: Operator,
  { askedBy, state }: Pick<ChangeRequest, 'askedBy' | 'state'>,
  decision: Decision,
): void {
  if (decision === 'withdrawn') {
    if (askedBy !== operator.id) throw new SealpostError('role_missing')
  } else {
    requireRole(operator, 'approver')
    if (askedBy === operator.id) throw new SealpostError('own_request')
  }
  if (state !== 'pending') throw new SealpostError('state_conflict')
}
