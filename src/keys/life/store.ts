import type { Knex } from 'knex'
import type { Address, RecipientId } from '../../kernel/index.ts'
import type { ApprovedProposal } from './activate.ts'
import type { RevocationReason } from './revoke.ts'

/**
 * Revokes a certificate unless it is revoked already; gives its owner when this call did it. The row lock makes two
 * revocations at once one. No statement of the house turns `revoked` back.
 */
export async function markRevoked(
  trx: Knex.Transaction,
  fingerprint: string,
  reason: RevocationReason,
  at: Date,
): Promise<{ readonly recipient: RecipientId; readonly address: Address } | undefined> {
  const { rows } = await trx.raw<{ rows: { recipient: RecipientId; address: Address }[] }>(
    `UPDATE certificates c SET state = 'revoked', revoked_at = ?, revoked_for = ?
       FROM recipients r
      WHERE c.fingerprint = ? AND c.state <> 'revoked' AND r.id = c.recipient_id
      RETURNING r.id AS recipient, r.address`,
    [at, reason, fingerprint],
  )
  return rows[0]
}

export async function certificateExists(trx: Knex.Transaction, fingerprint: string): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(`SELECT 1 FROM certificates WHERE fingerprint = ?`, [
    fingerprint,
  ])
  return rows.length > 0
}

/** Retires a recipient's active certificate and gives its fingerprint; at most one is active. */
export async function retireActive(
  trx: Knex.Transaction,
  recipient: RecipientId,
  at: Date,
  finishUntil: Date,
): Promise<readonly string[]> {
  const { rows } = await trx.raw<{ rows: { fingerprint: string }[] }>(
    `UPDATE certificates SET state = 'retired', retired_at = ?, finish_until = ?
      WHERE recipient_id = ? AND state = 'active'
      RETURNING fingerprint`,
    [at, finishUntil, recipient],
  )
  return rows.map(({ fingerprint }) => fingerprint)
}

/** Ends the time that retired certificates of a recipient still had. */
export async function endOverlaps(trx: Knex.Transaction, recipient: RecipientId, at: Date): Promise<void> {
  await trx.raw(
    `UPDATE certificates SET finish_until = ? WHERE recipient_id = ? AND state = 'retired' AND finish_until > ?`,
    [at, recipient, at],
  )
}

/** False when there is, or was, a certificate of this fingerprint. */
export async function insertCertificate(
  trx: Knex.Transaction,
  proposal: ApprovedProposal,
  at: Date,
): Promise<boolean> {
  const inserted = await trx('certificates')
    .insert({
      fingerprint: proposal.fingerprint,
      recipient_id: proposal.recipient,
      bytes: proposal.bytes,
      encryption_subkey: proposal.encryptionSubkey,
      algorithm: proposal.algorithm,
      format: proposal.format,
      state: 'active',
      accepted_at: at,
      expires_at: proposal.expiresAt,
      proposal_id: proposal.id,
      rsa_moduli: [...proposal.rsaModuli],
    })
    .onConflict('fingerprint')
    .ignore()
    .returning('fingerprint')
  return inserted.length > 0
}
