import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'

const tagLength = 16

/** A secret encrypted with AES-256-GCM, bound to what it is. */
export interface Wrapped {
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

/** Kinds of secrets: each has a wrapping key of its own, so that none can be taken for another, or for the signing key, which the sealer wraps. */
const labels = {
  dkim: 'sealpost dkim key wrapping',
  log: 'sealpost log key wrapping',
  webhook: 'sealpost webhook secret wrapping',
} as const

export type WrappedKind = keyof typeof labels

/** @param about what the secret is: unwrapping under another description fails */
export function wrap(
  secret: Uint8Array,
  keyEncryptionKey: Uint8Array,
  kind: WrappedKind,
  about: string,
): Wrapped {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyFor(keyEncryptionKey, kind), nonce).setAAD(
    Buffer.from(about),
  )
  return { nonce, sealed: Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]) }
}

/** Throws when anything of it was altered, or it is something else. */
export function unwrap(
  wrapped: Wrapped,
  keyEncryptionKey: Uint8Array,
  kind: WrappedKind,
  about: string,
): Buffer {
  return openUnwrap(keyEncryptionKey, kind)(wrapped, about)
}

/** {@link unwrap} for one kind of secret, which goes on when the key-encryption key is gone; it opens no other kind. */
export function openUnwrap(
  keyEncryptionKey: Uint8Array,
  kind: WrappedKind,
): (wrapped: Wrapped, about: string) => Buffer {
  const key = createSecretKey(keyFor(keyEncryptionKey, kind))
  return ({ nonce, sealed }, about) => {
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
    decipher.setAAD(Buffer.from(about)).setAuthTag(sealed.subarray(-tagLength))
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()])
  }
}

function keyFor(keyEncryptionKey: Uint8Array, kind: WrappedKind): Buffer {
  return Buffer.from(hkdfSync('sha256', keyEncryptionKey, '', labels[kind], 32))
}
