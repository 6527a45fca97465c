import type { Knex } from 'knex'
import type { KeyDerivation } from './key-encryption-key.ts'

export interface StoredSigningKey {
  readonly fingerprint: string
  readonly certificate: Uint8Array
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
  readonly kdf: KeyDerivation
}

export async function currentSigningKey(knex: Knex): Promise<StoredSigningKey | undefined> {
  return knex('signing_keys')
    .whereNull('retired_at')
    .first<StoredSigningKey | undefined>('fingerprint', 'certificate', 'nonce', 'sealed', 'kdf')
}

export async function insertSigningKey(
  trx: Knex.Transaction,
  key: StoredSigningKey,
  at: Date,
): Promise<void> {
  await trx('signing_keys').insert({
    fingerprint: key.fingerprint,
    certificate: Buffer.from(key.certificate),
    nonce: Buffer.from(key.nonce),
    sealed: Buffer.from(key.sealed),
    kdf: JSON.stringify(key.kdf),
    created_at: at,
  })
}
