import type { Knex } from 'knex'
import type { Address, RecipientId } from '../../kernel/index.ts'
import type { ApprovedProposal } from './activate.ts'
import type { RevocationReason } from './revoke.ts'
import type { CertificateState } from './standing.ts'

/** A certificate under the primary key in question. */
export interface UnderPrimaryKey {
  readonly encryptionSubkey: string
  readonly recipient: RecipientId
  readonly state: CertificateState
}

/**
 * Every certificate under a primary key. The first of them is locked, which stands for all: who revokes, activates or ends an
 * enrolment takes this lock before others, as does the trigger of the table, so that none comes in between.
 */
export async function lockPrimaryKey(
  trx: Knex.Transaction,
  fingerprint: string,
): Promise<readonly UnderPrimaryKey[]> {
  await trx('certificates').where({ fingerprint }).whereNull('follows').forNoKeyUpdate().select('fingerprint')
  return trx('certificates').where({ fingerprint }).select<UnderPrimaryKey[]>({
    encryptionSubkey: 'encryption_subkey',
    recipient: 'recipient_id',
    state: 'state',
  })
}

/**
 * Revokes all certificates under a primary key, which is locked, that are not revoked yet; gives their owner when there were any.
 * No statement of the house turns `revoked` back.
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

/** The full names of a certificate: of its primary key and its encryption subkey. */
export interface CertificateName {
  readonly fingerprint: string
  readonly encryptionSubkey: string
}

/** Retires a recipient's active certificate and gives its name; at most one is active. */
export async function retireActive(
  trx: Knex.Transaction,
  recipient: RecipientId,
  at: Date,
  finishUntil: Date,
): Promise<readonly CertificateName[]> {
  const { rows } = await trx.raw<{ rows: CertificateName[] }>(
    `UPDATE certificates SET state = 'retired', retired_at = ?, finish_until = ?
      WHERE recipient_id = ? AND state = 'active'
      RETURNING fingerprint, encryption_subkey AS "encryptionSubkey"`,
    [at, finishUntil, recipient],
  )
  return rows
}

/** Ends the time that one retired certificate still had; whether it had any. */
export async function endOverlap(
  trx: Knex.Transaction,
  { fingerprint, encryptionSubkey }: CertificateName,
  at: Date,
): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `UPDATE certificates SET finish_until = ?
      WHERE fingerprint = ? AND encryption_subkey = ? AND state = 'retired' AND finish_until > ? RETURNING 1`,
    [at, fingerprint, encryptionSubkey, at],
  )
  return rows.length > 0
}

/** The lock of {@link lockPrimaryKey} on every primary key of a recipient. */
export async function lockPrimaryKeysOf(trx: Knex.Transaction, recipient: RecipientId): Promise<void> {
  await trx('certificates')
    .where({ recipient_id: recipient })
    .whereNull('follows')
    .orderBy('fingerprint')
    .forNoKeyUpdate()
    .select('fingerprint')
}

/** Ends the time that retired certificates of a recipient still had. */
export async function endOverlaps(trx: Knex.Transaction, recipient: RecipientId, at: Date): Promise<void> {
  await trx.raw(
    `UPDATE certificates SET finish_until = ? WHERE recipient_id = ? AND state = 'retired' AND finish_until > ?`,
    [at, recipient, at],
  )
}

/**
 * False when this very certificate is, or was, there, or when another transaction has just brought in its primary key.
 * What else the primary key may not be, {@link lockPrimaryKey} shows; the trigger of the table throws.
 */
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
    .onConflict()
    .ignore()
    .returning('fingerprint')
  return inserted.length > 0
}
