import type { AnchorEvent } from './anchors.ts'
import type { CertificateEvent } from './certificates.ts'
import type { EnrolmentEvent } from './enrolment.ts'
import type { GatewayEvent } from './gateway.ts'
import type { LogEvent } from './log.ts'
import type { MessageEvent } from './messages.ts'
import type { NoticeEvent } from './notices.ts'
import type { OperatorEvent } from './operators.ts'
import type { PolicyEvent } from './policy.ts'
import type { ReviewEvent } from './review.ts'
import type { StreamEvent } from './stream.ts'
import type { TransportEvent } from './transport.ts'
import type { WebhookEvent } from './webhooks.ts'

export type { Actor } from './actor.ts'
export { type TlsEvidence, type TlsLevel, tlsLevels } from './tls-evidence.ts'

/**
 * The closed catalogue of audit events. Every field is an id, a code, a digest, a number or a bounded technical
 * name: there is no free text that message content could flow into.
 */
export type AuditEvent =
  | GatewayEvent
  | OperatorEvent
  | EnrolmentEvent
  | CertificateEvent
  | PolicyEvent
  | NoticeEvent
  | TransportEvent
  | MessageEvent
  | LogEvent
  | AnchorEvent
  | ReviewEvent
  | StreamEvent
  | WebhookEvent

export type AuditEventType = AuditEvent['type']
