import type { DeliveryId, MessageId, RecipientId } from '../../kernel/index.ts'
import type { TlsEvidence } from './tls-evidence.ts'

/** Messages and their deliveries. */
export type MessageEvent =
  | {
      readonly type: 'message.accepted'
      readonly message: MessageId
      readonly deliveries: readonly {
        readonly delivery: DeliveryId
        readonly recipient: RecipientId
        readonly certificate: string
        readonly encryptionSubkey: string
        readonly ciphertextSha256: string
        readonly ciphertextBytes: number
      }[]
    }
  | {
      readonly type: 'delivery.delivered' | 'delivery.deferred' | 'delivery.failed'
      readonly delivery: DeliveryId
      readonly attempt: number
      /** A named outcome of `delivery/outcome.ts`. */
      readonly outcome: string
      readonly host: string | null
      readonly tls: TlsEvidence | null
      readonly replyCode: number | null
    }
  | {
      /** It waits for an operator; or one decided. */
      readonly type: 'delivery.quarantined' | 'delivery.released' | 'delivery.cancelled'
      readonly delivery: DeliveryId
      readonly outcome: string
    }
