import { createHash, createSign, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto'

/** Raw OpenPGP packets, so that tests can make what no sound program makes. */
export interface Part {
  readonly tag: number
  readonly body: Uint8Array
}

export interface Signer {
  /** Body of the public key packet. */
  readonly body: Uint8Array
  readonly algorithm: number
  readonly keyId: Uint8Array
  readonly fingerprint: string
  readonly sign: (hash: string, data: Uint8Array) => Uint8Array
}

export interface SignatureOptions {
  readonly type?: number
  readonly created?: Date
  readonly hash?: keyof typeof hashIds
  readonly hashed?: readonly Uint8Array[]
  readonly unhashed?: readonly Uint8Array[]
  /** Instead of the signer's key id; null: none. */
  readonly issuer?: Uint8Array | null
  readonly version?: number
}

const hashIds = { md5: 1, sha1: 2, sha256: 8, sha512: 10 }

export const made = new Date('2026-01-01T00:00:00Z')

export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}

export function octets(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256)
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'))
}

export function mpi(value: Uint8Array): Uint8Array {
  const first = value.findIndex(octet => octet !== 0)
  const digits = value.subarray(first)
  return concat(octets(digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24, 2), digits)
}

export function bigMpi(value: bigint): Uint8Array {
  const hex = value.toString(16)
  return mpi(new Uint8Array(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')))
}

/** Packets as a file has them, with the header form of RFC 9580 section 4.2.1 and lengths of five octets. */
export function encode(parts: readonly Part[]): Uint8Array {
  return concat(
    ...parts.map(({ tag, body }) => concat(Uint8Array.of(0xc0 | tag, 0xff), octets(body.length, 4), body)),
  )
}

export function armored(content: Uint8Array, kind = 'PUBLIC'): string {
  const lines = Buffer.from(content)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n')
  return `-----BEGIN PGP ${kind} KEY BLOCK-----\n\n${lines}-----END PGP ${kind} KEY BLOCK-----\n`
}

export function subpacket(type: number, body: Uint8Array): Uint8Array {
  return concat(octets(body.length + 1, 1), Uint8Array.of(type), body)
}

export function keyBody(algorithm: number, material: Uint8Array, created = made, version = 4): Uint8Array {
  return concat(
    Uint8Array.of(version),
    octets(created.getTime() / 1000, 4),
    Uint8Array.of(algorithm),
    material,
  )
}

export function fingerprintOf(body: Uint8Array): string {
  return createHash('sha1').update(forHash(body)).digest('hex').toUpperCase()
}

export function ed25519Signer(created = made): Signer {
  const pair = generateKeyPairSync('ed25519')
  const point = concat(Uint8Array.of(0x40), raw(pair.publicKey))
  const material = concat(Uint8Array.of(9), Buffer.from('2b06010401da470f01', 'hex'), mpi(point))
  return signer(22, keyBody(22, material, created), (hash, data) => {
    const signature = signBytes(null, createHash(hash).update(data).digest(), pair.privateKey)
    return concat(mpi(signature.subarray(0, 32)), mpi(signature.subarray(32)))
  })
}

export function rsaSigner(bits: number): Signer {
  const pair = generateKeyPairSync('rsa', { modulusLength: bits })
  const jwk = pair.publicKey.export({ format: 'jwk' })
  const material = concat(mpi(Buffer.from(jwk.n ?? '', 'base64url')), bigMpi(65537n))
  return signer(1, keyBody(1, material), (hash, data) =>
    mpi(createSign(hash).update(data).sign(pair.privateKey)),
  )
}

export function rsaBody(modulus: bigint, exponent = 65537n): Uint8Array {
  return keyBody(1, concat(bigMpi(modulus), bigMpi(exponent)))
}

/** An ECDH subkey on legacy Curve25519. */
export function curve25519Body(created = made, point?: Uint8Array, kdf = [3, 1, 8, 7]): Uint8Array {
  const u = point ?? raw(generateKeyPairSync('x25519').publicKey)
  const oid = Buffer.from('2b060104019755010501', 'hex')
  const material = concat(Uint8Array.of(10), oid, mpi(concat(Uint8Array.of(0x40), u)), Uint8Array.from(kdf))
  return keyBody(18, material, created)
}

/** A signature over the primary key and `over`, which is `user(…)`, `sub(…)` or nothing. */
export function signature(
  by: Signer,
  primary: Uint8Array,
  over: Uint8Array,
  options: SignatureOptions,
): Part {
  const {
    type = 0x13,
    created = made,
    hash = 'sha512',
    hashed = [],
    unhashed = [],
    issuer = by.keyId,
  } = options
  const signedArea = concat(subpacket(2, octets(created.getTime() / 1000, 4)), ...hashed)
  const head = concat(
    Uint8Array.of(options.version ?? 4, type, by.algorithm, hashIds[hash]),
    octets(signedArea.length, 2),
    signedArea,
  )
  const data = concat(forHash(primary), over, head, Uint8Array.of(4, 0xff), octets(head.length, 4))
  const open = concat(...(issuer === null ? [] : [subpacket(16, issuer)]), ...unhashed)
  const digest = createHash(hash).update(data).digest()
  const body = concat(head, octets(open.length, 2), open, digest.subarray(0, 2), by.sign(hash, data))
  return { tag: 2, body }
}

export function user(body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0xb4), octets(body.length, 4), body)
}

/** A (sub)key as it is hashed (RFC 9580 section 5.2.4). */
export function forHash(body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x99), octets(body.length, 2), body)
}

function signer(algorithm: number, body: Uint8Array, sign: Signer['sign']): Signer {
  const fingerprint = fingerprintOf(body)
  const keyId = new Uint8Array(Buffer.from(fingerprint.slice(-16), 'hex'))
  return { body, algorithm, fingerprint, keyId, sign }
}

function raw(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'))
}
