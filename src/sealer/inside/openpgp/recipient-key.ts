import { createHash } from 'node:crypto'
import { generateSessionKey, type KeyID, type PublicKey, readKey } from 'openpgp'
import type { SealTarget } from '../../protocol.ts'
import { settings } from './settings.ts'

/** A parsed certificate that can do nothing but encrypt for its one pinned subkey. */
export interface RecipientKey {
  readonly key: PublicKey
  readonly subkey: KeyID
  readonly algorithm: 'aes128' | 'aes256'
  /** Bytes of a session key. */
  readonly keySize: number
  /** Undefined: SEIPDv1. */
  readonly aead: 'ocb' | 'gcm' | undefined
}

const maxCached = 256
const cache = new Map<string, Promise<RecipientKey>>()

/**
 * The target's certificate, parsed once for as long as it is in use. Throws when it has no such subkey, or when the
 * subkey cannot encrypt at that time (expired, revoked, badly bound, too weak). That may change while it is cached:
 * `encrypt` of the library asks again each time, and can only find this subkey.
 */
export async function recipientKey(target: SealTarget, at: Date): Promise<RecipientKey> {
  const digest = createHash('sha256').update(target.certificate).digest('base64')
  const name = `${target.encryptionSubkey} ${target.format} ${digest}`
  const parsed = cache.get(name) ?? parse(target, at)
  // Re-inserting keeps the map in order of use: its first entry is the one to forget.
  cache.delete(name)
  cache.set(name, parsed)
  const oldest = cache.size > maxCached ? cache.keys().next().value : undefined
  if (oldest !== undefined) cache.delete(oldest)
  return parsed.catch((error: unknown) => {
    cache.delete(name)
    throw error
  })
}

async function parse(target: SealTarget, at: Date): Promise<RecipientKey> {
  const certificate = await readKey({ binaryKey: target.certificate, config: settings })
  if (certificate.isPrivate()) throw new Error('a private key')
  const key = certificate.toPublic()
  // The library picks a subkey by its 64-bit key id, or its favourite: leave it nothing to pick from.
  key.subkeys = key.subkeys.filter(
    subkey => subkey.getFingerprint().toUpperCase() === target.encryptionSubkey,
  )
  const [subkey] = key.subkeys
  if (subkey === undefined || key.subkeys.length !== 1) throw new Error('not exactly one pinned subkey')
  // It would fall back to a primary key of the same id.
  if (key.getKeyID().equals(subkey.getKeyID())) throw new Error('one key id, two keys')
  const chosen = await key.getEncryptionKey(subkey.getKeyID(), at, undefined, settings)
  if (chosen.getFingerprint() !== subkey.getFingerprint()) throw new Error('not the pinned subkey')
  const suite = await generateSessionKey({ encryptionKeys: key, date: at, config: settings })
  const advertised = suite.aeadAlgorithm
  if (target.format === 'seipdv2' && advertised !== 'ocb' && advertised !== 'gcm') throw new Error('no AEAD')
  if (suite.algorithm !== 'aes256' && suite.algorithm !== 'aes128') throw new Error('no AES')
  return {
    key,
    subkey: subkey.getKeyID(),
    algorithm: suite.algorithm,
    keySize: suite.data.length,
    aead:
      target.format === 'seipdv2' && (advertised === 'ocb' || advertised === 'gcm') ? advertised : undefined,
  }
}
