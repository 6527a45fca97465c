import type { NoticeId, OperatorId, RecipientId } from '../../kernel/index.ts'
import type { TlsEvidence } from './tls-evidence.ts'

export type NoticeEvent =
  | {
      readonly type: 'notice.queued'
      readonly notice: NoticeId
      readonly kind: string
      readonly recipient: RecipientId | null
      readonly operator: OperatorId | null
    }
  | {
      readonly type: 'notice.sent' | 'notice.deferred' | 'notice.failed'
      readonly notice: NoticeId
      readonly attempt: number
      readonly outcome: string
      readonly host: string | null
      readonly tls: TlsEvidence | null
    }
