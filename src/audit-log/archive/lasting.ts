import type { AuditEventType } from '../../audit/index.ts'

/**
 * By which people, keys, policies and decisions something was allowed: the index `audit_events_of_subjects` of migration 0007
 * finds events of these types by whom they are about. Few are written, whatever the load.
 */
export const enrolmentTypes = [
  'application.added',
  'attestation.recorded',
  'certificate.activated',
  'certificate.proposed',
  'certificate.retired',
  'certificate.revoked',
  'change.approved',
  'change.asked',
  'change.expired',
  'change.refused',
  'change.rejected',
  'change.voided',
  'change.withdrawn',
  'fingerprint.verified',
  'operator.added',
  'operator.revoked',
  'policy.adopted',
  'possession.challenged',
  'possession.proved',
  'possession.refused',
  'proposal.approved',
  'recipient.activated',
  'recipient.invited',
  'recipient.reinstated',
  'recipient.suspended',
  'recipient.unenrolled',
] as const satisfies readonly AuditEventType[]

/** What an archive has, too, and leaves in the database: evidence of a message of today rests on decisions of years ago. */
export const lastingTypes: readonly AuditEventType[] = [
  ...enrolmentTypes,
  'destination.removed',
  'destination.set',
]
