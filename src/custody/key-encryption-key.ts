import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { SealpostError } from '../kernel/index.ts'

/** How the key-encryption key comes from the passphrase, and a value by which a wrong passphrase is noticed. */
export interface KeyDerivation {
  readonly name: 'scrypt'
  readonly cost: number
  readonly salt: string
  readonly check: string
}

/** N of scrypt. With r = 8, 2^17 is OWASP's recommendation: 128 MiB and about half a second per guess. */
export const standardCost = 2 ** 17

/** A fresh key-encryption key from a passphrase. */
export async function deriveNew(
  passphrase: string,
  cost: number,
): Promise<{ readonly key: Uint8Array; readonly kdf: KeyDerivation }> {
  const salt = randomBytes(16)
  const key = await derive(passphrase, salt, cost)
  return {
    key,
    kdf: { name: 'scrypt', cost, salt: salt.toString('hex'), check: checkValue(key).toString('hex') },
  }
}

/** The same key again. Throws `passphrase_wrong`. */
export async function deriveAgain(passphrase: string, kdf: KeyDerivation): Promise<Uint8Array> {
  const key = await derive(passphrase, Buffer.from(kdf.salt, 'hex'), kdf.cost)
  if (!timingSafeEqual(checkValue(key), Buffer.from(kdf.check, 'hex')))
    throw new SealpostError('passphrase_wrong')
  return key
}

function derive(passphrase: string, salt: Uint8Array, n: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(
      passphrase.normalize('NFC'),
      salt,
      32,
      { N: n, r: 8, p: 1, maxmem: 256 * 2 ** 20 },
      (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      },
    )
  })
}

function checkValue(key: Uint8Array): Buffer {
  return createHmac('sha256', key).update('sealpost key check').digest()
}
