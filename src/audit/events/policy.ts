import type { ChangeRequestId, PolicyRecordId } from '../../kernel/index.ts'

export type PolicyEvent =
  | {
      readonly type: 'policy.adopted'
      readonly record: PolicyRecordId
      readonly policy: string
      readonly sha256: string
      readonly effectiveAt: string
      readonly expiresAt: string
      readonly refused: number
      /** The request that its approver decided on. Absent in events older than the field. */
      readonly change?: ChangeRequestId
    }
  | { readonly type: 'policy.assessed'; readonly policy: string; readonly refused: number }
