import type { Knex } from 'knex'
import type { RecipientId } from '../../kernel/index.ts'

export type LinkPurpose = 'enrol' | 'session' | 'revoke'

export async function insertLink(
  trx: Knex.Transaction,
  link: { sha256: Buffer; purpose: LinkPurpose; recipient: RecipientId; createdAt: Date; expiresAt: Date },
): Promise<void> {
  await trx('recipient_links').insert({
    token_sha256: link.sha256,
    purpose: link.purpose,
    recipient_id: link.recipient,
    created_at: link.createdAt,
    expires_at: link.expiresAt,
  })
}

export interface LinkRow {
  readonly recipient: RecipientId
  readonly used: boolean
}

/** A link that has not expired, used or not. */
export async function findLink(
  knex: Knex,
  sha256: Buffer,
  purpose: LinkPurpose,
  at: Date,
): Promise<LinkRow | undefined> {
  const { rows } = await knex.raw<{ rows: LinkRow[] }>(
    `SELECT recipient_id AS recipient, used_at IS NOT NULL AS used FROM recipient_links
      WHERE token_sha256 = ? AND purpose = ? AND expires_at > ?`,
    [sha256, purpose, at],
  )
  return rows[0]
}

/** Whether this call used the link up: of two at once, one does. */
export async function markUsed(
  trx: Knex.Transaction,
  sha256: Buffer,
  purpose: LinkPurpose,
  at: Date,
): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `UPDATE recipient_links SET used_at = ?
      WHERE token_sha256 = ? AND purpose = ? AND used_at IS NULL AND expires_at > ? RETURNING 1`,
    [at, sha256, purpose, at],
  )
  return rows.length > 0
}

export async function deleteLinks(
  trx: Knex.Transaction,
  recipient: RecipientId,
  purposes: readonly LinkPurpose[],
): Promise<void> {
  await trx.raw(`DELETE FROM recipient_links WHERE recipient_id = ? AND purpose = ANY(?)`, [
    recipient,
    [...purposes],
  ])
}
