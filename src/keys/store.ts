import type { Knex } from 'knex'
import type { RecipientId } from '../kernel/index.ts'

/**
 * Revokes a certificate unless it is revoked already; gives its owner when this call did it. The row lock makes two
 * revocations at once one. No statement of the house turns `revoked` back.
 */
export async function markRevoked(
  trx: Knex.Transaction,
  fingerprint: string,
  at: Date,
): Promise<RecipientId | undefined> {
  const { rows } = await trx.raw<{ rows: { recipient_id: RecipientId }[] }>(
    `UPDATE certificates SET state = 'revoked', revoked_at = ?
      WHERE fingerprint = ? AND state <> 'revoked'
      RETURNING recipient_id`,
    [at, fingerprint],
  )
  return rows[0]?.recipient_id
}

export async function certificateExists(trx: Knex.Transaction, fingerprint: string): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(`SELECT 1 FROM certificates WHERE fingerprint = ?`, [
    fingerprint,
  ])
  return rows.length > 0
}
