import type { Knex } from 'knex'
import type { CertificateName } from '../life/store.ts'
import type { StoredCopy } from './take-copy.ts'

/** The active certificate under this primary key, else the newest. */
export async function findStored(knex: Knex, fingerprint: string): Promise<StoredCopy | undefined> {
  const { rows } = await knex.raw<{ rows: StoredCopy[] }>(
    `SELECT r.id AS recipient, r.address, c.bytes, c.encryption_subkey AS "encryptionSubkey", c.state,
            c.expires_at AS "expiresAt", c.format
       FROM certificates c JOIN recipients r ON r.id = c.recipient_id
      WHERE c.fingerprint = ?
      ORDER BY c.state = 'active' DESC, c.accepted_at DESC, c.encryption_subkey LIMIT 1`,
    [fingerprint],
  )
  return rows[0]
}

/** Those of a primary key that were replaced and still may finish. */
export async function findFinishing(
  knex: Knex,
  fingerprint: string,
  at: Date,
): Promise<readonly Pick<StoredCopy, 'bytes' | 'encryptionSubkey'>[]> {
  const { rows } = await knex.raw<{ rows: Pick<StoredCopy, 'bytes' | 'encryptionSubkey'>[] }>(
    `SELECT bytes, encryption_subkey AS "encryptionSubkey" FROM certificates
      WHERE fingerprint = ? AND state = 'retired' AND finish_until > ?`,
    [fingerprint, at],
  )
  return rows
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
      WHERE fingerprint = ? AND encryption_subkey = ? AND state = 'active' AND bytes = ?
      RETURNING 1`,
    [
      Buffer.from(renewed.bytes),
      renewed.expiresAt,
      renewed.format,
      fingerprint,
      stored.encryptionSubkey,
      Buffer.from(stored.bytes),
    ],
  )
  return rows.length > 0
}

export async function markRefreshed(
  knex: Knex,
  { fingerprint, encryptionSubkey }: CertificateName,
  at: Date,
): Promise<void> {
  await knex('certificates')
    .where({ fingerprint, encryption_subkey: encryptionSubkey })
    .update({ refreshed_at: at })
}
