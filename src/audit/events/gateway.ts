import type { ApplicationId, ErrorCode, RecipientCode, RecipientId } from '../../kernel/index.ts'

/** The gateway itself, its keys, its applications, and what it refused. */
export type GatewayEvent =
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
