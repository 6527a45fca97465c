/* Made of src/contract by `npm run docs`. Do not edit. */

/** The codes of errors; docs/errors.md says more about each. New ones may come. */
export type ProblemCode =
  | 'not_found'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'content_encoding_refused'
  | 'body_too_large'
  | 'body_incomplete'
  | 'body_too_slow'
  | 'invalid_json'
  | 'invalid_message'
  | 'invalid_multipart'
  | 'invalid_request'
  | 'header_injection'
  | 'sad_detected'
  | 'pan_not_allowed_here'
  | 'cards_not_allowed'
  | 'cards_required'
  | 'too_many_cards'
  | 'content_unreadable'
  | 'metadata_not_removable'
  | 'nothing_to_cancel'
  | 'invalid_idempotency_key'
  | 'idempotency_key_reused'
  | 'idempotency_in_flight'
  | 'request_refused'
  | 'application_unknown'
  | 'sender_not_allowed'
  | 'recipients_refused'
  | 'too_many_requests'
  | 'sending_not_approved'
  | 'evidence_not_ready'
  | 'evidence_incomplete'
  | 'evidence_not_anchored'
  | 'sealed'
  | 'sealer_unavailable'
  | 'overloaded'
  | 'stopping'
  | 'database_unavailable'
  | 'audit_unavailable'
  | 'outbound_gate_refused'
  | 'internal_error'

export interface AcceptedMessage {
  /** Names a message. */
  readonly id: string
  /** One for each recipient, in the order of `to`. */
  readonly deliveries: readonly {
    /** Names a delivery: one message to one recipient. */
    readonly id: string
    /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
    readonly recipient: string
  }[]
}

export interface Attachment {
  /** A name without a path. Travels encrypted. No card data. */
  readonly filename: string
  /** A media type without parameters; not `message/*` or `multipart/*`. */
  readonly contentType: string
  /** Base64 with padding, without line breaks. */
  readonly content: string
}

/** One SMTP session for a delivery. */
export interface Attempt {
  readonly number: number
  /** A point in time in UTC. */
  readonly startedAt: string
  /** A point in time in UTC. */
  readonly finishedAt: string
  readonly outcome: string
  readonly host?: string | undefined
  readonly address?: string | undefined
  readonly port?: number | undefined
  readonly tls?: TlsVerdict | undefined
  readonly replyCode?: number | undefined
  /** The server’s words, bounded and escaped, without what looks like a card number. */
  readonly reply?: string | undefined
}

/** A message as it would be sent, with or without its content. */
export interface CheckMessage {
  /** An address that the application may write from. */
  readonly from: string
  /** Enrolled addresses. Each gets a message of its own and sees no other. */
  readonly to: readonly string[]
  /** No control characters. Travels encrypted; outside stands `[...]`. No card data. */
  readonly subject: string
  /** The message as plain text, up to 4 MiB in UTF-8. May hold card numbers. */
  readonly text?: string | undefined
  /** The message as HTML, up to 4 MiB in UTF-8. May hold card numbers. Without `text`, a text alternative is made of it. */
  readonly html?: string | undefined
  readonly attachments?: readonly Attachment[] | undefined
  /** The application’s own mark on a message. Stored in the clear; no card data. */
  readonly reference?: string | undefined
  /** Where answers go: an address that the application may write from. Travels encrypted. Absent: `from`. */
  readonly replyTo?: string | undefined
  /** After this nothing of the message is sent any more; what is still waiting ends as `expired`. */
  readonly expiresAt?: string | undefined
  /** Whether metadata is removed from attachments: authors, places, cameras, histories. Absent: false. */
  readonly stripMetadata?: boolean | undefined
}

export interface CheckProblem {
  readonly code: string
  /** What is wrong, in one sentence. */
  readonly title: string
  /** What can be done about it. */
  readonly remedy: string
  /** Where in the message (RFC 6901). */
  readonly pointer?: string | undefined
}

/** What would happen to a message, and why. Nothing was stored. */
export interface CheckReport {
  /** Whether the message would be accepted now. */
  readonly accepted: boolean
  readonly problems: readonly CheckProblem[]
  readonly recipients: readonly CheckedRecipient[]
  readonly cards: {
    /** Card numbers found, each once per part. */
    readonly count: number
    readonly brands: readonly string[]
  }
}

export interface CheckedRecipient {
  /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
  readonly address: string
  /** Why this recipient cannot receive it. Absent: they can. */
  readonly code?: string | undefined
  /** What can be done about it. */
  readonly remedy?: string | undefined
  /** The crypto policy that was applied. */
  readonly policy?: string | undefined
  /** How it would be encrypted (RFC 9580 sections 5.13.1 and 5.13.2). */
  readonly format?: 'seipdv1' | 'seipdv2' | undefined
  /** Fingerprint of the encryption subkey that would be used. */
  readonly encryptionKey?: string | undefined
  /** A point in time in UTC. */
  readonly keyExpires?: string | undefined
  /** How the mail servers of the domain are authenticated. */
  readonly destination?: 'auto' | 'pinned' | 'secure' | 'relay' | undefined
}

/** `quarantined`: it waits for an operator, until its time is over. Settled: `delivered`, `failed`. */
export type DeliveryState = 'queued' | 'sending' | 'quarantined' | 'delivered' | 'failed'

export interface DeliveryStatus {
  /** Names a delivery: one message to one recipient. */
  readonly id: string
  /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
  readonly recipient: string
  readonly state: DeliveryState
  /** Of the last attempt; when settled, why. New ones may come; `state` says whether it is settled. */
  readonly outcome?: string | undefined
  /** A point in time in UTC. */
  readonly nextAttemptAt?: string | undefined
  /** A point in time in UTC. */
  readonly settledAt?: string | undefined
  readonly attempts: readonly Attempt[]
}

export interface DeliverySummary {
  /** Names a delivery: one message to one recipient. */
  readonly id: string
  /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
  readonly recipient: string
  readonly state: DeliveryState
  /** Of the last attempt; when settled, why. New ones may come; `state` says whether it is settled. */
  readonly outcome?: string | undefined
  /** A point in time in UTC. */
  readonly nextAttemptAt?: string | undefined
  /** A point in time in UTC. */
  readonly settledAt?: string | undefined
}

export interface ListQuery {
  readonly state?: MessageState | undefined
  /** The application’s own mark on a message. Stored in the clear; no card data. */
  readonly reference?: string | undefined
  /** Messages with a delivery to this address. */
  readonly recipient?: string | undefined
  /** Messages from this address. */
  readonly from?: string | undefined
  /** Accepted at or after. */
  readonly since?: string | undefined
  /** Accepted before. */
  readonly until?: string | undefined
  readonly limit?: number | undefined
  /** `next` of the page before. Says nothing to anybody else. */
  readonly cursor?: string | undefined
}

export interface MessageList {
  /** Newest first. */
  readonly messages: readonly MessageSummary[]
  /** The `cursor` of the next page. Absent at the end. A page can be short, even empty, and still have a next one. */
  readonly next?: string | undefined
}

/** `queued` until every delivery is settled. */
export type MessageState = 'queued' | 'delivered' | 'failed' | 'partly_delivered'

export interface MessageStatus {
  /** Names a message. */
  readonly id: string
  readonly state: MessageState
  /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
  readonly from: string
  /** The application’s own mark on a message. Stored in the clear; no card data. */
  readonly reference?: string | undefined
  /** A point in time in UTC. */
  readonly acceptedAt: string
  /** A point in time in UTC. */
  readonly expiresAt?: string | undefined
  readonly deliveries: readonly DeliveryStatus[]
}

/** A message without the attempts of its deliveries. */
export interface MessageSummary {
  /** Names a message. */
  readonly id: string
  readonly state: MessageState
  /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
  readonly from: string
  /** The application’s own mark on a message. Stored in the clear; no card data. */
  readonly reference?: string | undefined
  /** A point in time in UTC. */
  readonly acceptedAt: string
  /** A point in time in UTC. */
  readonly expiresAt?: string | undefined
  readonly deliveries: readonly DeliverySummary[]
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  /** What can be done about it. */
  readonly detail: string
  /** Names this occurrence in our log. */
  readonly instance: string
  /** Stable. New ones may come; `status` and `retryable` say what to do. */
  readonly code: string
  /** Whether the same request can succeed later, unchanged. */
  readonly retryable: boolean
  /** Where the code is explained. */
  readonly documentation: string
  /** What is wrong, and where in the request (RFC 6901). Never a value. */
  readonly errors?: readonly {
    readonly pointer: string
    readonly code: string
  }[] | undefined
  /** Who cannot receive the message, and why. */
  readonly recipients?: readonly {
    /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
    readonly address: string
    readonly code: string
  }[] | undefined
}

/** A message with something in it: text, HTML or an attachment. */
export interface SubmitMessage {
  /** An address that the application may write from. */
  readonly from: string
  /** Enrolled addresses. Each gets a message of its own and sees no other. */
  readonly to: readonly string[]
  /** No control characters. Travels encrypted; outside stands `[...]`. No card data. */
  readonly subject: string
  /** The message as plain text, up to 4 MiB in UTF-8. May hold card numbers. */
  readonly text?: string | undefined
  /** The message as HTML, up to 4 MiB in UTF-8. May hold card numbers. Without `text`, a text alternative is made of it. */
  readonly html?: string | undefined
  readonly attachments?: readonly Attachment[] | undefined
  /** The application’s own mark on a message. Stored in the clear; no card data. */
  readonly reference?: string | undefined
  /** Where answers go: an address that the application may write from. Travels encrypted. Absent: `from`. */
  readonly replyTo?: string | undefined
  /** After this nothing of the message is sent any more; what is still waiting ends as `expired`. */
  readonly expiresAt?: string | undefined
  /** Whether metadata is removed from attachments: authors, places, cameras, histories. Absent: false. */
  readonly stripMetadata?: boolean | undefined
}

/** How the server of an attempt was authenticated. */
export interface TlsVerdict {
  readonly rule: 'dane' | 'pinned' | 'mta_sts' | 'secure'
  readonly asked?: 'auto' | 'pinned' | 'secure' | 'relay' | undefined
  readonly version: string
  readonly cipher: string
  readonly group: string | null
  /** SHA-256, hex. */
  readonly certificateSha256: string
  readonly chainSha256?: readonly string[] | undefined
  readonly tlsa?: string | undefined
  readonly stsPolicy?: string | undefined
  readonly revocation?: 'good' | 'stale' | 'unknown' | 'not_applicable' | undefined
  readonly requireTls?: boolean | undefined
}

/** One change of one delivery. */
export interface Update {
  readonly type: 'delivery.delivered' | 'delivery.failed' | 'delivery.deferred' | 'delivery.quarantined' | 'delivery.released'
  /** When it happened. */
  readonly timestamp: string
  readonly data: {
    /** Names a message. */
    readonly message: string
    /** The application’s own mark on a message. Stored in the clear; no card data. */
    readonly reference?: string | undefined
    readonly state: MessageState
    readonly delivery: {
      /** Names a delivery: one message to one recipient. */
      readonly id: string
      /** A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments. */
      readonly recipient: string
      readonly state: DeliveryState
      readonly outcome?: string | undefined
    }
  }
}

export type UpdateCursor = string

export type WebhookPayload = Update | WebhookTest

/** Says that a webhook works. Nothing happened. */
export interface WebhookTest {
  readonly type: 'webhook.test'
  /** A point in time in UTC. */
  readonly timestamp: string
  readonly data: {
    readonly webhook: string
  }
}
