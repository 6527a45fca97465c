import { type Address, type OperatorId, SealpostError } from '../../kernel/index.ts'

export const operatorRoles = ['admin', 'approver', 'custodian', 'auditor'] as const

export type OperatorRole = (typeof operatorRoles)[number]

/** A human who administers the house. A name is for life: it is never given again. */
export interface Operator {
  readonly id: OperatorId
  readonly name: string
  readonly address: Address
  readonly roles: readonly OperatorRole[]
  readonly createdAt: Date
  readonly revokedAt: Date | null
}

/** Throws `role_missing` unless the operator has one of these roles. */
export function requireRole(operator: Operator, ...roles: readonly OperatorRole[]): void {
  if (!roles.some(role => operator.roles.includes(role))) throw new SealpostError('role_missing')
}
