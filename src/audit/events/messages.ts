import type {
  DeliveryId,
  ErrorCode,
  MessageId,
  PolicyRecordId,
  RecipientCode,
  RecipientId,
} from '../../kernel/index.ts'
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
        /** How it is encrypted: RFC 9580's packets. Absent in events older than the field. */
        readonly format?: 'seipdv1' | 'seipdv2'
        /** Of the encryption subkey. Absent in events older than the field. */
        readonly algorithm?: string
      }[]
      /** Card numbers in it: how many, each once per part, and of which brands. Absent in events older than the field. */
      readonly cards?: { readonly count: number; readonly brands: readonly string[] }
      /** When the application said that it expires: nothing of it is sent from then on. Absent: it said nothing. */
      readonly expiresAt?: string
      /** The crypto policy in force, by which recipients and keys were judged. Absent in events older than the field. */
      readonly policy?: {
        readonly record: PolicyRecordId
        readonly name: string
        readonly sha256: string
      }
    }
  | {
      /** Its application asked what would happen to it; it was not kept. */
      readonly type: 'message.checked'
      /** Whether it would have been accepted. */
      readonly accepted: boolean
      /** What it would be refused with, each once. */
      readonly problems: readonly ErrorCode[]
      /** Card numbers in it: how many, each once per part, and of which brands. */
      readonly cards: { readonly count: number; readonly brands: readonly string[] }
      /** Of those who cannot receive it and are enrolled, which; of the others only how many. */
      readonly recipients: readonly { readonly recipient: RecipientId; readonly code: RecipientCode }[]
      readonly unknownRecipients: number
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
      /** SHA-256 of the server's reply, word by word as it was kept with the attempt. Absent in events older than the field. */
      readonly replySha256?: string | null
    }
  | {
      /** It waits for an operator; or one decided. */
      readonly type: 'delivery.quarantined' | 'delivery.released' | 'delivery.cancelled'
      readonly delivery: DeliveryId
      readonly outcome: string
    }
  | {
      /** In the transaction that settled the delivery. What is left of the ciphertext is its digest. */
      readonly type: 'ciphertext.purged'
      readonly delivery: DeliveryId
    }
