import { constants, type KeyObject, verify } from 'node:crypto'
import { children, content, type Element, expectTag, inner, NotDer, tags } from './der.ts'
import { oid } from './values.ts'

interface Scheme {
  readonly keys: readonly string[]
  /** Null where the signature scheme hashes by itself. */
  readonly hash: string | null
}

/** No SHA-1 and no MD5: a list that only they vouch for is as good as none. */
const schemes: Readonly<Record<string, Scheme>> = {
  '1.2.840.113549.1.1.11': { keys: ['rsa'], hash: 'sha256' },
  '1.2.840.113549.1.1.12': { keys: ['rsa'], hash: 'sha384' },
  '1.2.840.113549.1.1.13': { keys: ['rsa'], hash: 'sha512' },
  '1.2.840.10045.4.3.2': { keys: ['ec'], hash: 'sha256' },
  '1.2.840.10045.4.3.3': { keys: ['ec'], hash: 'sha384' },
  '1.2.840.10045.4.3.4': { keys: ['ec'], hash: 'sha512' },
  '1.3.101.112': { keys: ['ed25519'], hash: null },
  '1.3.101.113': { keys: ['ed448'], hash: null },
}
const pss = '1.2.840.113549.1.1.10'
const mgf1 = '1.2.840.113549.1.1.8'
const hashes: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const leastRsaBits = 2048

/** Whether `key` made this signature over `signed`. Computed on another thread: `signed` may be megabytes. */
export function isSigned(
  signed: Buffer,
  algorithm: Element,
  signature: Buffer,
  key: KeyObject,
): Promise<boolean> {
  const [id, parameters] = children(expectTag(algorithm, tags.sequence))
  const name = oid(id)
  const { keys, hash, ...options } = name === pss ? pssScheme(parameters) : plainScheme(name)
  if (!keys.includes(key.asymmetricKeyType ?? '')) return Promise.resolve(false)
  if ((key.asymmetricKeyDetails?.modulusLength ?? leastRsaBits) < leastRsaBits) return Promise.resolve(false)
  return new Promise(resolve => {
    verify(hash, signed, { key, ...options }, signature, (error, sound) => resolve(error === null && sound))
  })
}

function plainScheme(name: string): Scheme {
  const scheme = schemes[name]
  if (scheme === undefined) throw new NotDer('a signature of a kind that is not accepted')
  return scheme
}

/** RFC 4055 section 3.1: hash, mask generation with the same hash, length of the salt. */
function pssScheme(parameters: Element | undefined): Scheme & { padding: number; saltLength: number } {
  const [first, second, third] = children(expectTag(parameters, tags.sequence))
  const hash = hashes[hashOf(inner(expectTag(first, tags.nested(0)), tags.sequence))]
  const [mask, maskHash] = children(inner(expectTag(second, tags.nested(1)), tags.sequence))
  const salt = content(inner(expectTag(third, tags.nested(2)), tags.integer))
  if (hash === undefined || oid(mask) !== mgf1 || hashes[hashOf(expectTag(maskHash, tags.sequence))] !== hash)
    throw new NotDer('a signature of a kind that is not accepted')
  return {
    keys: ['rsa', 'rsa-pss'],
    hash,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: salt.readUIntBE(0, Math.min(salt.length, 2)),
  }
}

function hashOf(algorithm: Element): string {
  return oid(children(algorithm)[0])
}
