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

export interface StoredDkimKey {
  readonly domain: string
  readonly selector: string
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
  readonly createdAt: Date
  readonly retiredAt: Date | null
}

/** The newest first. */
export async function findDkimKeys(knex: Knex): Promise<StoredDkimKey[]> {
  return knex('dkim_keys')
    .orderBy([{ column: 'created_at', order: 'desc' }, 'domain', 'selector'])
    .select<StoredDkimKey[]>(
      'domain',
      'selector',
      'algorithm',
      'public_key AS publicKey',
      'nonce',
      'sealed',
      'created_at AS createdAt',
      'retired_at AS retiredAt',
    )
}

export async function insertDkimKey(
  trx: Knex.Transaction,
  key: Omit<StoredDkimKey, 'createdAt' | 'retiredAt'>,
  at: Date,
): Promise<void> {
  const { domain, selector, algorithm, publicKey, nonce, sealed } = key
  await trx('dkim_keys').insert({
    domain,
    selector,
    algorithm,
    public_key: publicKey,
    nonce: Buffer.from(nonce),
    sealed: Buffer.from(sealed),
    created_at: at,
  })
}

/** Retires the current key of a domain; gives its selector. */
export async function retireDkimKey(
  trx: Knex.Transaction,
  domain: string,
  at: Date,
): Promise<string | undefined> {
  const [row] = await trx('dkim_keys')
    .where({ domain })
    .whereNull('retired_at')
    .update({ retired_at: at })
    .returning<{ selector: string }[]>('selector')
  return row?.selector
}

export interface StoredLogKey {
  /** C2SP signed-note verifier key. */
  readonly verifier: string
  /** The log's name, and the key's. */
  readonly origin: string
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

export async function currentLogKey(knex: Knex): Promise<StoredLogKey | undefined> {
  return knex('log_keys')
    .whereNull('retired_at')
    .first<StoredLogKey | undefined>('verifier', 'origin', 'nonce', 'sealed')
}

export async function insertLogKey(trx: Knex.Transaction, key: StoredLogKey, at: Date): Promise<void> {
  const { verifier, origin, nonce, sealed } = key
  await trx('log_keys').insert({
    verifier,
    origin,
    nonce: Buffer.from(nonce),
    sealed: Buffer.from(sealed),
    created_at: at,
  })
}

export interface LogKeyRecord {
  readonly verifier: string
  readonly origin: string
  readonly createdAt: Date
  readonly retiredAt: Date | null
}

/** The newest first. What an auditor may read. */
export async function findLogKeys(knex: Knex): Promise<LogKeyRecord[]> {
  return knex('log_keys')
    .orderBy('created_at', 'desc')
    .select<LogKeyRecord[]>('verifier', 'origin', 'created_at AS createdAt', 'retired_at AS retiredAt')
}
