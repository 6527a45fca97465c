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

export type ApplyChanges = { readonly [Kind in ChangeKind]: ApplyChange<Kind> }

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
    if (decision === 'approved') {
      // What was stored by another version may be of another form.
      checkChange(settled)
      await (apply[kind] as ApplyChange)(trx, settled, operator)
    }
    return settled
  }

  const decideLocked = async (
    trx: Knex.Transaction,
    operator: Operator,
    { id }: ChangeRequest,
    decision: Decision,
  ): Promise<ChangeRequest> => {
    const request = await lockChangeRequest(trx, id)
    if (request === undefined) throw new SealpostError('not_found')
    assertMayDecide(operator, request, decision)
    if (request.state !== 'pending') throw new SealpostError('state_conflict')
    if (request.expiresAt > clock.now()) return settle(trx, operator, request, decision)
    await appendEvents(trx, clock, [expired(request)])
    return settleChangeRequest(trx, id, 'expired', null, clock.now())
  }

  const decide = async (operator: Operator, id: string, decision: Decision): Promise<ChangeRequest> => {
    const found = isId('chg', id) ? await changeRequestById(knex, id) : undefined
    if (found === undefined) throw new SealpostError('not_found')
    try {
      const settled = await knex.transaction(trx => decideLocked(trx, operator, found, decision))
      if (settled.state === 'expired') throw new SealpostError('state_conflict')
      return settled
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

function assertMayDecide(operator: Operator, { askedBy }: ChangeRequest, decision: Decision): void {
  if (decision === 'withdrawn') {
    if (askedBy !== operator.id) throw new SealpostError('role_missing')
    return
  }
  requireRole(operator, 'approver')
  if (askedBy === operator.id) throw new SealpostError('own_request')
}
