import type {
  ApplicationId,
  AttestationId,
  ChangeRequestId,
  DeliveryId,
  ErrorCode,
  MessageId,
  NoticeId,
  OperatorId,
  PolicyRecordId,
  ProposalId,
  RecipientCode,
  RecipientId,
} from '../kernel/index.ts'

/** Who caused an event. */
export type Actor =
  | { readonly kind: 'application'; readonly id: ApplicationId }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'host' } // somebody with the command line of the host
  | { readonly kind: 'operator'; readonly id: OperatorId }
  | { readonly kind: 'recipient'; readonly id: RecipientId } // whoever holds the link that was mailed to them
  | { readonly kind: 'peer'; readonly address: string } // an unauthenticated client, by its IP address

/** How a mail server can be authenticated, the strongest first; compared by `delivery/level.ts` only. */
export const tlsLevels = ['dane', 'pinned', 'mta_sts', 'secure'] as const
export type TlsLevel = (typeof tlsLevels)[number]

/** How the server of a delivery attempt was authenticated; see `delivery/`. */
export interface TlsEvidence {
  /** How this very server was authenticated. */
  readonly rule: TlsLevel
  /** What the destination's rule asked for. Absent in attempts older than the field, like those below. */
  readonly asked?: 'auto' | 'pinned' | 'secure' | 'relay'
  readonly version: string
  readonly cipher: string
  readonly group: string | null
  /** SHA-256 of the server's own certificate (DER), hex. */
  readonly certificateSha256: string
  /** SHA-256 of each certificate that the server sent, its own first, at most eight. */
  readonly chainSha256?: readonly string[]
  /** The TLSA record that matched: `3 1 1` and the start of its data (at most 64 hex digits). Level `dane` only. */
  readonly tlsa?: string
  /** The id of the MTA-STS policy that named the server. Level `mta_sts` only. */
  readonly stsPolicy?: string
  /**
   * What is known of a revocation of the server's certificate; `stale`: nothing fresh, though its CA publishes something;
   * `not_applicable` where a key, not a CA, is trusted.
   */
  readonly revocation?: 'good' | 'stale' | 'unknown' | 'not_applicable'
  /** Whether REQUIRETLS (RFC 8689) was said in MAIL FROM. */
  readonly requireTls?: boolean
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
  | OperatorEvent
  | EnrolmentEvent
  | CertificateEvent
  | PolicyEvent
  | NoticeEvent
  | TransportEvent
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

/** How connections are authenticated, and what was seen of attacks on them. */
type TransportEvent =
  | {
      readonly type: 'destination.set'
      readonly domain: string
      readonly mode: 'auto' | 'pinned' | 'secure'
      /** SHA-256 of the rule as canonical JSON. Absent in events older than the field. */
      readonly sha256?: string
      /** Absent when one person was enough: the first rule of a domain, of mode `auto`. */
      readonly change?: ChangeRequestId
    }
  | {
      /** The domain has no rule any more. */
      readonly type: 'destination.removed'
      readonly domain: string
      readonly change: ChangeRequestId
    }
  | {
      /** An operator had the way into the domain walked, without a mail. */
      readonly type: 'destination.probed'
      readonly domain: string
      readonly ok: boolean
      readonly outcome: string | null
    }
  | {
      /** Bytes where none may be: somebody sits between us and the server, or is it. */
      readonly type: 'attack.suspected'
      readonly kind: 'starttls_injection'
      readonly host: string
      readonly address: string | null
    }
  | {
      /** Whether the resolver proved at start that it validates. DANE is off while it does not. */
      readonly type: 'resolver.tested'
      readonly validates: boolean
    }
  | {
      /** The policy host of a domain, which proved its name, says something new (RFC 8461). */
      readonly type: 'mta_sts.policy.learnt'
      readonly domain: string
      readonly policyId: string
      readonly mode: 'enforce' | 'testing' | 'none'
    }
  | {
      readonly type: 'tls.reloaded'
      readonly listener: string
      readonly certificateSha256: string
    }
  | {
      /** At a reload the old files stay in use; at a start there is none. */
      readonly type: 'tls.reload.refused' | 'tls.start.refused'
      readonly listener: string
      readonly reason: string
    }
  | {
      /** At each start, and daily, for as long as it holds. */
      readonly type: 'exception.active'
      readonly exception: 'database_tls_1_2'
      readonly until: string
    }
  | {
      readonly type: 'dkim.key.generated' | 'dkim.key.retired'
      readonly domain: string
      readonly selector: string
    }

/** Operators, their sessions, and what takes two of them. */
type OperatorEvent =
  | { readonly type: 'operator.added'; readonly operator: OperatorId; readonly roles: readonly string[] }
  | {
      readonly type:
        | 'operator.revoked'
        | 'operator.link.issued'
        | 'operator.signed_in'
        | 'operator.signed_out'
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

/** The way of a recipient: see the state machine of `recipients/`. */
type EnrolmentEvent =
  | { readonly type: 'recipient.invited'; readonly recipient: RecipientId; readonly kind: string }
  | { readonly type: 'enrolment.link.used' | 'enrolment.link.renewed'; readonly recipient: RecipientId }
  | {
      readonly type: 'certificate.proposed'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly certificate: string
      readonly encryptionSubkey: string
      readonly source: 'upload' | 'wkd' | 'vks' | 'refresh'
      readonly certifiedBy: string | null
    }
  | {
      readonly type: 'certificate.rejected'
      readonly recipient: RecipientId
      /** Null when the file could not be read as a certificate. */
      readonly certificate: string | null
      readonly reasons: readonly string[]
    }
  | {
      readonly type: 'possession.challenged' | 'possession.proved' | 'possession.refused'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
    }
  | {
      readonly type: 'fingerprint.verified'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly certificate: string
      readonly means: 'phone' | 'in_person' | 'video' | 'letter'
    }
  | {
      readonly type: 'proposal.approved'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      /** Null when the active certificate had certified the new one and the policy lets that suffice. */
      readonly change: ChangeRequestId | null
      readonly activatesAt: string
    }
  | {
      readonly type: 'proposal.dropped'
      readonly recipient: RecipientId
      readonly proposal: ProposalId
      readonly reason: string
    }
  | { readonly type: 'recipient.activated'; readonly recipient: RecipientId; readonly certificate: string }
  | { readonly type: 'recipient.suspended'; readonly recipient: RecipientId; readonly reason: string }
  | {
      readonly type: 'recipient.reinstated'
      readonly recipient: RecipientId
      readonly change: ChangeRequestId
    }
  | { readonly type: 'recipient.unenrolled'; readonly recipient: RecipientId }
  | {
      readonly type: 'attestation.recorded'
      readonly recipient: RecipientId
      readonly attestation: AttestationId
      readonly kind: string
      readonly validUntil: string
    }

/** The life of a certificate that was activated. */
type CertificateEvent =
  | {
      readonly type: 'certificate.activated'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly encryptionSubkey: string
      readonly proposal: ProposalId
    }
  | {
      readonly type: 'certificate.retired'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly encryptionSubkey: string
      /** Until when what was accepted for it may still go out; told again when that comes to an early end. */
      readonly finishUntil: string
    }
  | {
      /** Of a primary key, with all its subkeys. */
      readonly type: 'certificate.revoked'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly reason: 'compromised' | 'superseded' | 'retired' | 'left' | 'unknown'
      readonly means: 'operator' | 'host' | 'link' | 'upload' | 'refresh'
      /** Deliveries that were waiting and were stopped with it. */
      readonly stopped: number
    }
  | {
      readonly type: 'certificate.refreshed'
      readonly recipient: RecipientId
      readonly certificate: string
      readonly source: 'upload' | 'wkd' | 'vks'
      readonly expires: string | null
    }
  | { readonly type: 'exposure.reported'; readonly certificate: string; readonly deliveries: number }

type PolicyEvent =
  | {
      readonly type: 'policy.adopted'
      readonly record: PolicyRecordId
      readonly policy: string
      readonly sha256: string
      readonly effectiveAt: string
      readonly expiresAt: string
      readonly refused: number
    }
  | { readonly type: 'policy.assessed'; readonly policy: string; readonly refused: number }

type NoticeEvent =
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

export type AuditEventType = AuditEvent['type']
