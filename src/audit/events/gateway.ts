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
  | {
      readonly type: 'schema.migrated'
      /** The migrations that ran, in order. */
      readonly migrations: readonly string[]
    }
  | { readonly type: 'custody.key.generated'; readonly fingerprint: string }
  | { readonly type: 'custody.unsealed'; readonly fingerprint: string }
  | { readonly type: 'custody.unseal.refused'; readonly code: ErrorCode }
  | { readonly type: 'application.added'; readonly application: ApplicationId; readonly san: string }
  | { readonly type: 'application.revoked'; readonly application: ApplicationId }
  | ({
      readonly type: 'client.refused'
      /** What is wrong with the certificate, as a code. */
      readonly reason: string
    } & Counted)
  | ({
      readonly type: 'connection.refused'
      /**
       * `tls`: the handshake failed; `http`: what came is not HTTP/1.1 as it must be; `timeout`: it came too slowly; `full`: there
       * were too many at a time.
       */
      readonly reason: 'tls' | 'http' | 'timeout' | 'full'
    } & Counted)
  | ({
      readonly type: 'request.refused'
      readonly code: ErrorCode
      /** Of recipients that are enrolled, which; of the others only how many. */
      readonly recipients: readonly { readonly recipient: RecipientId; readonly code: RecipientCode }[]
      readonly unknownRecipients: number
    } & Counted)

/** Of what anybody can cause without end, the first is an event of its own; what follows it is counted. */
interface Counted {
  /** How many of these there were since `since`, for an event that tells of more than one. */
  readonly count?: number
  /** When the first of those that are counted here came. */
  readonly since?: string
}
