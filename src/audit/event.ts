import type {
  ApplicationId,
  DeliveryId,
  ErrorCode,
  MessageId,
  RecipientCode,
  RecipientId,
} from '../kernel/index.ts'

/** Who caused an event. */
export type Actor =
  | { readonly kind: 'application'; readonly id: ApplicationId }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'host' } // somebody with the command line of the host; operators come with the console
  | { readonly kind: 'peer'; readonly address: string } // an unauthenticated client, by its IP address

/** How the server of a delivery attempt was authenticated; see `delivery/`. */
export interface TlsEvidence {
  readonly rule: 'pinned' | 'secure'
  readonly version: string
  readonly cipher: string
  readonly group: string | null
  readonly certificateSha256: string
}

/**
 * The closed catalogue of audit events. Every field is an id, a code, a digest, a number or a bounded technical
 * name: there is no free text that message content could flow into.
 */
export type AuditEvent =
  | {
      readonly type: 'gateway.started'
      readonly roles: readonly string[]
      readonly version: string
      readonly configSha256: string
    }
  | { readonly type: 'gateway.stopped' }
  | { readonly type: 'custody.key.generated'; readonly fingerprint: string }
  | { readonly type: 'custody.unsealed'; readonly fingerprint: string }
  | { readonly type: 'custody.unseal.refused'; readonly code: ErrorCode }
  | { readonly type: 'application.added'; readonly application: ApplicationId; readonly san: string }
  | { readonly type: 'application.revoked'; readonly application: ApplicationId }
  | { readonly type: 'client.refused'; readonly reason: string }
  | {
      readonly type: 'request.refused'
      readonly code: ErrorCode
      /** Of recipients that are enrolled, which; of the others only how many. */
      readonly recipients: readonly { readonly recipient: RecipientId; readonly code: RecipientCode }[]
      readonly unknownRecipients: number
    }
  | {
      readonly type: 'recipient.activated'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly means: 'demo'
    }
  | { readonly type: 'certificate.revoked'; readonly recipient: RecipientId; readonly certificate: string }
  | { readonly type: 'destination.set'; readonly domain: string; readonly mode: TlsEvidence['rule'] }
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

export type AuditEventType = AuditEvent['type']
