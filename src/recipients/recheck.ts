import type { Knex } from 'knex'
import type { RecipientCode } from '../kernel/index.ts'
import { certificateRefusal } from '../keys/index.ts'
import { attestationRefusal } from './standing/attestations.ts'
import { findPins, type Pin, type PinRow } from './store.ts'

/**
 * Whether what was accepted for these pins may still be sent at `at`: for each, in the order given, undefined when it
 * may, else why not. One query for the whole batch. The courier asks right before MAIL FROM (invariant 7). A
 * certificate that was replaced since may finish for its time; one that was revoked, expired, refused by the policy in
 * force or whose pin changed may not, nor anything to a recipient who is not active and attested.
 */
export async function checkStillUsable(
  knex: Knex | Knex.Transaction,
  pins: readonly Pin[],
  at: Date,
): Promise<readonly (RecipientCode | undefined)[]> {
  if (pins.length === 0) return []
  const rows = await findPins(knex, pins, at)
  if (rows.length !== pins.length) throw new Error('one answer per pin expected')
  return rows.map(row => refusalOf(row, at))
}

function refusalOf(row: PinRow, at: Date): RecipientCode | undefined {
  if (row.recipient_state === null) return 'recipient_unknown'
  if (row.recipient_state !== 'active') return 'recipient_not_active'
  if (row.fingerprint === null) return 'certificate_missing'
  const standing = {
    state: row.certificate_state,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    finishUntil: row.finish_until,
  }
  return (
    certificateRefusal(standing, 'finish', at) ??
    attestationRefusal(row.attested_until, at) ??
    (row.not_allowed ? 'certificate_not_allowed' : undefined)
  )
}
