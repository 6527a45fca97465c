import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { ByteReader } from './byte-reader.ts'
import type { KeyPacket } from './key-packet.ts'
import type { SignaturePacket } from './signature-packet.ts'

/** By number (RFC 9580 section 9.5), those that Node has and that are not trivially broken. */
const hashes: Readonly<Record<number, string>> = {
  2: 'sha1',
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
}

const curves: Readonly<Record<string, { readonly name: string; readonly octets: number }>> = {
  '2a8648ce3d030107': { name: 'P-256', octets: 32 },
  '2b81040022': { name: 'P-384', octets: 48 },
  '2b81040023': { name: 'P-521', octets: 66 },
}

/**
 * Whether `key` made the version 4 signature over these keys (RFC 9580 section 5.2.4), by Node's cryptography alone. Unlike
 * the library it asks nothing about what the signature says: that is for revocations, which count whatever they say.
 */
export function isMadeBy(key: KeyPacket, signature: SignaturePacket, over: readonly KeyPacket[]): boolean {
  try {
    const reader = new ByteReader(signature.body)
    const [, , algorithm, hash] = reader.take(4)
    const hashedLength = reader.uint(2)
    reader.take(hashedLength)
    reader.take(reader.uint(2))
    reader.take(2)
    const hashName = hashes[hash ?? 0]
    if (hashName === undefined || algorithm === undefined || algorithm !== key.body[5]) return false

    const hashed = signature.body.subarray(0, 6 + hashedLength)
    const trailer = Buffer.from([4, 0xff, 0, 0, 0, 0])
    trailer.writeUInt32BE(hashed.length, 2)
    const data = Buffer.concat([...over.flatMap(({ body }) => [keyPrefix(body), body]), hashed, trailer])
    return isSigned(key, algorithm, reader, hashName, data)
  } catch {
    return false
  }
}

function isSigned(
  { body }: KeyPacket,
  algorithm: number,
  signature: ByteReader,
  hash: string,
  data: Uint8Array,
): boolean {
  const material = new ByteReader(body.subarray(6))
  const digest = () => createHash(hash).update(data).digest()
  switch (algorithm) {
    case 1: {
      const [n, e] = [material.mpi(), material.mpi()]
      const key = publicKey({ kty: 'RSA', n: base64(n), e: base64(e) })
      return verify(hash, data, key, padded(signature.mpi(), n.length))
    }
    case 19: {
      const curve = curves[Buffer.from(material.take(material.uint(1))).toString('hex')]
      if (curve === undefined) return false
      const point = material.mpi().subarray(1)
      const [x, y] = [point.subarray(0, curve.octets), point.subarray(curve.octets)]
      const key = publicKey({ kty: 'EC', crv: curve.name, x: base64(x), y: base64(y) })
      const numbers = Buffer.concat([
        padded(signature.mpi(), curve.octets),
        padded(signature.mpi(), curve.octets),
      ])
      return verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, numbers)
    }
    case 22: {
      material.take(material.uint(1))
      const key = publicKey({ kty: 'OKP', crv: 'Ed25519', x: base64(material.mpi().subarray(1)) })
      return verify(
        null,
        digest(),
        key,
        Buffer.concat([padded(signature.mpi(), 32), padded(signature.mpi(), 32)]),
      )
    }
    case 27:
      return verify(
        null,
        digest(),
        publicKey({ kty: 'OKP', crv: 'Ed25519', x: base64(material.take(32)) }),
        signature.take(64),
      )
    case 28:
      return verify(
        null,
        digest(),
        publicKey({ kty: 'OKP', crv: 'Ed448', x: base64(material.take(57)) }),
        signature.take(114),
      )
    default:
      return false
  }
}

function keyPrefix({ length }: Uint8Array): Uint8Array {
  return Uint8Array.of(0x99, length >> 8, length & 0xff)
}

function publicKey(key: Readonly<Record<string, string>>): KeyObject {
  return createPublicKey({ key, format: 'jwk' })
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64url')
}

/** Integers lose their leading zeros as MPIs. */
function padded(octets: Uint8Array, length: number): Uint8Array {
  return Buffer.concat([new Uint8Array(Math.max(0, length - octets.length)), octets])
}
