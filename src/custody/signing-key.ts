import type { Knex } from 'knex'
import { type Actor, appendEvents, recordEvent } from '../audit/index.ts'
import { type Address, type Clock, isAddress, SealpostError } from '../kernel/index.ts'
import { isUniqueViolation } from '../platform/index.ts'
import type { WrappedKey } from '../sealer/host/index.ts'
import { deriveAgain, deriveNew, standardCost } from './key-encryption-key.ts'
import { currentSigningKey, insertSigningKey } from './store.ts'

const host: Actor = { kind: 'host' }

/** What a sealer needs to sign. The secret key itself is unwrapped only inside a sealer. */
export interface OpenedSigningKey {
  readonly wrapped: WrappedKey
  readonly keyEncryptionKey: Uint8Array
}

/** Makes a signing key in a sandbox; `sealer/host` has one. */
type Generate = (
  userId: Address,
  keyEncryptionKey: Uint8Array,
) => Promise<{ readonly wrapped: WrappedKey; readonly certificate: Uint8Array }>

/**
 * Generates the gateway's signing key and stores it wrapped under a key that only the passphrase gives back.
 * Returns its fingerprint and public certificate. `cost`: what a guess at the passphrase takes, N of scrypt. Throws `key_exists`.
 */
export async function initSigningKey(
  knex: Knex,
  clock: Clock,
  generate: Generate,
  userId: Address,
  passphrase: string,
  cost = standardCost,
): Promise<{ readonly fingerprint: string; readonly certificate: Uint8Array }> {
  if ((await currentSigningKey(knex)) !== undefined) throw new SealpostError('key_exists')
  const { key, kdf } = await deriveNew(passphrase, cost)
  const { wrapped, certificate } = await generate(userId, key)
  key.fill(0)
  const { fingerprint } = wrapped
  try {
    await knex.transaction(async trx => {
      await insertSigningKey(trx, { ...wrapped, certificate, kdf }, clock.now())
      await appendEvents(trx, clock, [{ actor: host, event: { type: 'custody.key.generated', fingerprint } }])
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw new SealpostError('key_exists')
    throw error
  }
  return { fingerprint, certificate }
}

/** Unseals: opens the signing key with the passphrase. Throws `key_missing`, `passphrase_wrong`; both outcomes are audited. */
export async function openSigningKey(
  knex: Knex,
  clock: Clock,
  passphrase: string,
): Promise<OpenedSigningKey> {
  const stored = await currentSigningKey(knex)
  if (stored === undefined) throw new SealpostError('key_missing')
  const { fingerprint, nonce, sealed } = stored
  try {
    const keyEncryptionKey = await deriveAgain(passphrase, stored.kdf)
    await recordEvent(knex, clock, host, { type: 'custody.unsealed', fingerprint })
    return { wrapped: { fingerprint, nonce, sealed }, keyEncryptionKey }
  } catch (error) {
    if (error instanceof SealpostError)
      await recordEvent(knex, clock, host, { type: 'custody.unseal.refused', code: error.code })
    throw error
  }
}

/**
 * The key-encryption key, for who wraps another secret by the same passphrase. Throws `key_missing` before `custody init`,
 * `passphrase_wrong`, which is audited.
 */
export async function keyEncryptionKeyBy(knex: Knex, clock: Clock, passphrase: string): Promise<Uint8Array> {
  const signing = await currentSigningKey(knex)
  if (signing === undefined) throw new SealpostError('key_missing')
  return deriveAgain(passphrase, signing.kdf).catch(async (error: unknown) => {
    if (error instanceof SealpostError)
      await recordEvent(knex, clock, host, { type: 'custody.unseal.refused', code: error.code })
    throw error
  })
}

/** The address that the signing key is for. */
export function ownAddress(mailHost: string): Address {
  const address = `gateway@${mailHost}`
  if (!isAddress(address)) throw new SealpostError('config_invalid', { detail: 'SEALPOST_MAIL_HOST' })
  return address
}

/** What recipients verify with, binary; undefined before there is a signing key. */
export async function ownCertificate(
  knex: Knex,
): Promise<{ readonly fingerprint: string; readonly certificate: Uint8Array } | undefined> {
  const stored = await currentSigningKey(knex)
  return stored && { fingerprint: stored.fingerprint, certificate: stored.certificate }
}
