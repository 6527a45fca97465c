import type { ChangeRequestId, ErrorCode, OperatorId } from '../../kernel/index.ts'

/** Operators, their sessions, and what takes two of them. */
export type OperatorEvent =
  | {
      readonly type: 'operator.added'
      readonly operator: OperatorId
      readonly roles: readonly string[]
      /** Lower-case letters, digits and hyphens; never given again. Absent in events older than the field. */
      readonly name?: string
    }
  | {
      readonly type:
        | 'operator.revoked'
        | 'operator.link.issued'
        | 'operator.signed_in'
        | 'operator.signed_out'
        | 'operator.session.expired'
      readonly operator: OperatorId
    }
  | { readonly type: 'operator.sign_in.refused'; readonly code: ErrorCode }
  | {
      readonly type:
        | 'change.asked'
        | 'change.approved'
        | 'change.rejected'
        | 'change.withdrawn'
        | 'change.expired'
      readonly change: ChangeRequestId
      readonly kind: string
      readonly subject: string
    }
  | {
      /** What it is about changed, so that it could not be applied any more. */
      readonly type: 'change.voided'
      readonly change: ChangeRequestId
      readonly kind: string
      readonly subject: string
      readonly reason: string
    }
  | {
      /** Somebody tried to decide and was refused. */
      readonly type: 'change.refused'
      readonly change: ChangeRequestId
      readonly kind: string
      readonly subject: string
      readonly decision: 'approved' | 'rejected' | 'withdrawn'
      readonly code: ErrorCode
    }
