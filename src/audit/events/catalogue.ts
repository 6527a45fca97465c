import { anchorEntries } from '../catalogue/anchors.ts'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import { gatewayEntries } from '../catalogue/gateway.ts'
import { logEntries } from '../catalogue/log.ts'
import { messageEntries, noticeEntries } from '../catalogue/messages.ts'
import { operatorEntries, policyEntries } from '../catalogue/operators.ts'
import { certificateEntries, enrolmentEntries } from '../catalogue/recipients.ts'
import { reviewEntries } from '../catalogue/review.ts'
import { streamEntries } from '../catalogue/stream.ts'
import { transportEntries } from '../catalogue/transport.ts'
import { webhookEntries } from '../catalogue/webhooks.ts'
import type { AuditEventType } from './index.ts'

/**
 * What every type of event means, whether it tells of a success, its name in OCSF and the rows of PCI DSS that it answers.
 * The type checker holds it complete. docs/audit-events.md is made from here and from the types' docstrings.
 */
export const catalogue: { readonly [Type in AuditEventType]: CatalogueEntry } = {
  ...gatewayEntries,
  ...operatorEntries,
  ...policyEntries,
  ...enrolmentEntries,
  ...certificateEntries,
  ...messageEntries,
  ...noticeEntries,
  ...transportEntries,
  ...logEntries,
  ...reviewEntries,
  ...anchorEntries,
  ...streamEntries,
  ...webhookEntries,
}
