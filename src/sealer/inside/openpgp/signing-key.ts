import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { generateKey, type PrivateKey, readPrivateKey } from 'openpgp'
import type { Address } from '../../../kernel/index.ts'
import type { WrappedKey } from '../../protocol.ts'
import { settings } from './settings.ts'

const cipher = 'aes-256-gcm'
const tagLength = 16

/**
 * A new signing key: version 4, Ed25519 in the form of before RFC 9580, because that is what every recipient's
 * software can verify. One primary key that certifies and signs; no subkey, for nobody encrypts to the gateway.
 */
export async function generateSigningKey(
  userId: Address,
  keyEncryptionKey: Uint8Array,
): Promise<{ wrapped: WrappedKey; certificate: Uint8Array }> {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: { email: userId },
    subkeys: [],
    format: 'object',
    config: settings,
  })
  const secret = privateKey.write()
  const wrapped = wrap(secret, publicKey.getFingerprint().toUpperCase(), keyEncryptionKey)
  secret.fill(0)
  return { wrapped, certificate: publicKey.write() }
}

/** Opens a wrapped key. Throws when the key-encryption key is another one, or the wrapping was altered. */
export async function openSigningKey(wrapped: WrappedKey, keyEncryptionKey: Uint8Array): Promise<PrivateKey> {
  const secret = unwrap(wrapped, keyEncryptionKey)
  // Not wiped: the parsed key is made of views of these bytes, and is to live as long as the process.
  const key = await readPrivateKey({ binaryKey: secret, config: settings })
  if (key.getFingerprint().toUpperCase() !== wrapped.fingerprint) throw new Error('another key')
  return key
}

function wrap(secret: Uint8Array, fingerprint: string, keyEncryptionKey: Uint8Array): WrappedKey {
  const nonce = randomBytes(12)
  const gcm = createCipheriv(cipher, keyEncryptionKey, nonce, { authTagLength: tagLength })
  gcm.setAAD(Buffer.from(fingerprint, 'latin1'))
  const sealed = Buffer.concat([gcm.update(secret), gcm.final(), gcm.getAuthTag()])
  return { fingerprint, nonce, sealed }
}

function unwrap({ fingerprint, nonce, sealed }: WrappedKey, keyEncryptionKey: Uint8Array): Uint8Array {
  const gcm = createDecipheriv(cipher, keyEncryptionKey, nonce, { authTagLength: tagLength })
  gcm.setAAD(Buffer.from(fingerprint, 'latin1'))
  gcm.setAuthTag(sealed.subarray(-tagLength))
  return new Uint8Array(Buffer.concat([gcm.update(sealed.subarray(0, -tagLength)), gcm.final()]))
}
