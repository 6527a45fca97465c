import type { AuditEventType } from '../../audit/index.ts'

/** Events that are listed one by one. A type that is in no list has its count all the same. */
export const listedTypes = {
  keys: [
    'custody.key.generated',
    'custody.unsealed',
    'custody.unseal.refused',
    'log.key.generated',
    'dkim.key.generated',
    'dkim.key.retired',
    'webhook.secret.rotated',
    'certificate.activated',
    'certificate.retired',
    'certificate.revoked',
    'exposure.reported',
    'policy.adopted',
  ],
  people: [
    'operator.added',
    'operator.revoked',
    'operator.link.issued',
    'application.added',
    'application.revoked',
    'recipient.activated',
    'recipient.suspended',
    'recipient.reinstated',
    'recipient.unenrolled',
    'destination.set',
    'destination.removed',
    'webhook.added',
    'webhook.removed',
    'webhook.enabled',
    'change.approved',
    'change.refused',
    'change.voided',
  ],
  alarms: [
    'alarm.raised',
    'alarm.cleared',
    'clock.wrong',
    'anchor.failed',
    'anchor.recovered',
    'anchor.ahead',
    'attack.suspected',
    'exception.active',
    'webhook.disabled',
  ],
} as const satisfies Record<string, readonly AuditEventType[]>

/** Events that are counted by who caused them. */
export const countedByActor = {
  signIns: ['operator.signed_in'],
  reads: [
    'audit.read',
    'deliveries.read',
    'audit.event.read',
    'audit.checkpoint.read',
    'delivery.read',
    'audit.search.exported',
    'deliveries.search.exported',
    'audit.exported',
    'audit.archived',
    'evidence.issued',
  ],
} as const satisfies Record<string, readonly AuditEventType[]>

/** What became of deliveries and notices, by outcome. */
export const outcomeTypes = [
  'delivery.delivered',
  'delivery.deferred',
  'delivery.failed',
  'delivery.quarantined',
  'delivery.released',
  'delivery.cancelled',
  'notice.sent',
  'notice.deferred',
  'notice.failed',
] as const satisfies readonly AuditEventType[]

/** Failures that are told elsewhere in the report. */
const notRefusals: readonly string[] = [...outcomeTypes, ...listedTypes.alarms, 'webhook.call.given_up']

/** Whether a failure of this type is somebody's who was refused. */
export function isRefusal(type: string): boolean {
  return !notRefusals.includes(type)
}
