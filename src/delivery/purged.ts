import type { AuditEntry } from '../audit/index.ts'
import type { DeliveryId } from '../kernel/index.ts'

/** That the ciphertext of a delivery was deleted: whatever settles one clears it in the same statement. */
export function purged(delivery: DeliveryId): AuditEntry {
  return { actor: { kind: 'gateway' }, event: { type: 'ciphertext.purged', delivery } }
}
