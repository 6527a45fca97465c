import type { ApplicationId, ErrorCode, RecipientCode, RecipientId } from '../../kernel/index.ts'

/** The gateway itself, its keys, its applications, and what it refused. */
export type GatewayEvent =
  | {
      readonly type: 'gateway.started'
      readonly roles: readonly string[]
      readonly version: string
      /** Of all settings but secrets; equal where nothing was changed. */
      readonly configSha256: string
      /** Those that decide who is let in, what is believed, and where anything goes. Absent in events older than the field. */
      readonly settings?: GatewaySettings
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
  | {
      readonly type: 'application.added'
      readonly application: ApplicationId
      readonly san: string
      /** Whether its messages hold card numbers. Absent in events older than the field, like those below. */
      readonly cards?: 'required' | 'allowed' | 'forbidden'
      /** As many different ones in one message; null: any number. */
      readonly maxCards?: number | null
      /** Whether it may send parts that cannot be looked into. */
      readonly unreadable?: boolean
      /** How many messages a minute it may submit to a replica. */
      readonly ratePerMinute?: number
    }
  | {
      readonly type: 'application.changed'
      readonly application: ApplicationId
      /** Whether its messages hold card numbers. */
      readonly cards: 'required' | 'allowed' | 'forbidden'
      /** As many different ones in one message; null: any number. */
      readonly maxCards: number | null
      /** Whether it may send parts that cannot be looked into. */
      readonly unreadable: boolean
      /** How many messages a minute it may submit to a replica. Absent in events older than the field. */
      readonly ratePerMinute?: number
    }
  | { readonly type: 'application.revoked'; readonly application: ApplicationId }
  | ({
      readonly type: 'client.refused'
      /** What is wrong with the certificate, as a code. */
      readonly reason: string
    } & Counted)
  | ({
      readonly type: 'connection.refused'
      /**
       * `tls`: the handshake failed; `gone`: the client left in the middle of it; `http`: what came is not HTTP/1.1 as it must be; `timeout`: it came too slowly; `full`: there
       * were too many at a time.
       */
      readonly reason: 'tls' | 'gone' | 'http' | 'timeout' | 'full'
    } & Counted)
  | ({
      readonly type: 'request.refused'
      readonly code: ErrorCode
      /** Of recipients that are enrolled, which; of the others only how many. */
      readonly recipients: readonly { readonly recipient: RecipientId; readonly code: RecipientCode }[]
      readonly unknownRecipients: number
    } & Counted)

/** See docs/configuration.md. Addresses are `host:port`; null: not set. */
interface GatewaySettings {
  /** Where each listens. */
  readonly listeners: {
    readonly api: string
    readonly console: string
    readonly public: string
    readonly ops: string
  }
  readonly consoleUrl: string
  readonly publicUrl: string
  readonly mailHost: string
  /** The sender of our own mails. */
  readonly noticesFrom: string
  /** Whether the listeners face the internet or the organisation's own network. */
  readonly exposure: string
  /** How many certificates of other environments are refused by their digest. */
  readonly foreignCertificates: number
  /** Whether client certificates are looked up in lists of revoked ones. */
  readonly clientCrl: boolean
  readonly database: 'socket' | 'tls'
  /** Whether certificates of recipients are looked for outside. */
  readonly discovery: boolean
  readonly keyserver: string | null
  readonly resolver: string | null
  /** Whether roots of our own take the place of the usual ones. */
  readonly publicCa: boolean
  /** Whether all mail goes through one server of ours. */
  readonly relay: boolean
  readonly returnPathDomain: string | null
  /** Private networks that mail may be delivered into. */
  readonly allowedNetworks: readonly string[]
  /** Private networks that webhooks may be in. */
  readonly webhookNetworks?: readonly string[]
  readonly syslog: string | null
  /** Whether checkpoints are taken to anchors. */
  readonly anchors: boolean
  readonly sealers: number
  readonly databasePool: number
  readonly logLevel: string
}

/** Of what anybody can cause without end, the first is an event of its own; what follows it is counted. */
interface Counted {
  /** How many of these there were since `since`, for an event that tells of more than one. */
  readonly count?: number
  /** When the first of those that are counted here came. */
  readonly since?: string
}
