import type { Knex } from 'knex'
import type { StoredCopy } from './take-copy.ts'

export async function findStored(knex: Knex, fingerprint: string): Promise<StoredCopy | undefined> {
  const { rows } = await knex.raw<{ rows: StoredCopy[] }>(
    `SELECT r.id AS recipient, r.address, c.bytes, c.encryption_subkey AS "encryptionSubkey", c.state,
            c.expires_at AS "expiresAt", c.format
       FROM certificates c JOIN recipients r ON r.id = c.recipient_id
      WHERE c.fingerprint = ?`,
    [fingerprint],
  )
  return rows[0]
}

/** Only while the certificate is active and what it was when it was read; whether it was. */
export async function replaceCopy(
  trx: Knex.Transaction,
  fingerprint: string,
  stored: StoredCopy,
  renewed: StoredCopy,
): Promise<boolean> {
  const { rows } = await trx.raw<{ rows: unknown[] }>(
    `UPDATE certificates SET bytes = ?, expires_at = ?, format = ?
      WHERE fingerprint = ? AND state = 'active' AND bytes = ?
      RETURNING 1`,
    [Buffer.from(renewed.bytes), renewed.expiresAt, renewed.format, fingerprint, Buffer.from(stored.bytes)],
  )
  return rows.length > 0
}

export async function markRefreshed(knex: Knex, fingerprint: string, at: Date): Promise<void> {
  await knex('certificates').where({ fingerprint }).update({ refreshed_at: at })
}
