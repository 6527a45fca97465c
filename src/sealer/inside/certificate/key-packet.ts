import { createHash } from 'node:crypto'
import { ByteReader } from './byte-reader.ts'
import { Refusal } from './refusal.ts'

export interface RsaNumbers {
  readonly modulus: bigint
  readonly exponent: bigint
  readonly bits: number
}

/** A version 4 public key or subkey packet (RFC 9580 section 5.5.2), read without the library. */
export interface KeyPacket {
  readonly body: Uint8Array
  /** Upper-case hex. */
  readonly fingerprint: string
  /** Its low 64 bits, upper-case hex: what PKESK packets of version 3 carry. */
  readonly keyId: string
  readonly created: Date
  /** As policies name it: `rsa`, `ecdh-curve25519`, …; `other` when it is not known here. */
  readonly algorithm: string
  /** Whether it can encrypt at all. */
  readonly encrypts: boolean
  readonly rsa: RsaNumbers | undefined
}

const curves: Readonly<
  Record<string, { readonly name: string; readonly point: number; readonly lead: number }>
> = {
  '2a8648ce3d030107': { name: 'nistp256', point: 65, lead: 0x04 },
  '2b81040022': { name: 'nistp384', point: 97, lead: 0x04 },
  '2b81040023': { name: 'nistp521', point: 133, lead: 0x04 },
  '2b06010401da470f01': { name: 'ed25519', point: 33, lead: 0x40 },
  '2b060104019755010501': { name: 'curve25519', point: 33, lead: 0x40 },
}

const native: Readonly<
  Record<number, { readonly name: string; readonly octets: number; readonly encrypts: boolean }>
> = {
  25: { name: 'x25519', octets: 32, encrypts: true },
  26: { name: 'x448', octets: 56, encrypts: true },
  27: { name: 'ed25519', octets: 32, encrypts: false },
  28: { name: 'ed448', octets: 57, encrypts: false },
}

export function readKeyPacket(body: Uint8Array): KeyPacket {
  const reader = new ByteReader(body)
  if (reader.uint(1) !== 4) throw new Refusal('version_unsupported')
  const created = new Date(reader.uint(4) * 1000)
  const material = readMaterial(reader, reader.uint(1))
  if (!reader.done) throw new Refusal('malformed_packets')
  const fingerprint = createHash('sha1')
    .update(Uint8Array.of(0x99, body.length >> 8, body.length & 0xff))
    .update(body)
    .digest('hex')
    .toUpperCase()
  return { body, fingerprint, keyId: fingerprint.slice(-16), created, ...material }
}

type Material = Pick<KeyPacket, 'algorithm' | 'encrypts' | 'rsa'>

function readMaterial(reader: ByteReader, id: number): Material {
  switch (id) {
    case 1: // RSA; 2 and 3, encrypt-only and sign-only, are deprecated (RFC 9580 section 9.1)
      return readRsa(reader)
    case 18: {
      const curve = readCurve(reader)
      const sound = readKdf(reader)
      return { algorithm: sound ? `ecdh-${curve}` : 'other', encrypts: true, rsa: undefined }
    }
    case 19:
      return { algorithm: `ecdsa-${readCurve(reader)}`, encrypts: false, rsa: undefined }
    case 22:
      return { algorithm: `eddsa-${readCurve(reader)}`, encrypts: false, rsa: undefined }
    default: {
      const kind = native[id]
      if (kind === undefined) {
        reader.rest()
        return { algorithm: 'other', encrypts: id === 2 || id === 16 || id > 28, rsa: undefined }
      }
      reader.take(kind.octets)
      return { algorithm: kind.name, encrypts: kind.encrypts, rsa: undefined }
    }
  }
}

function readRsa(reader: ByteReader): Material {
  const [modulus, exponent] = [reader.mpi(), reader.mpi()]
  const bits = modulus.length * 8 - (Math.clz32(modulus[0] ?? 0) - 24)
  return {
    algorithm: 'rsa',
    encrypts: true,
    rsa: { modulus: toBigInt(modulus), exponent: toBigInt(exponent), bits },
  }
}

/** A curve by its object identifier, then a point in that curve's one encoding. */
function readCurve(reader: ByteReader): string {
  const curve = curves[Buffer.from(reader.take(reader.uint(1))).toString('hex')]
  const point = reader.mpi()
  if (curve === undefined) return 'other'
  if (point.length !== curve.point || point[0] !== curve.lead) throw new Refusal('key_material_invalid')
  return curve.name
}

/** RFC 9580 section 11.5.1: SHA-256 and longer, AES; false for anything else. */
function readKdf(reader: ByteReader): boolean {
  const [reserved, hash, cipher, ...more] = reader.take(reader.uint(1))
  if (reserved !== 1 || hash === undefined || cipher === undefined || more.length > 0) {
    throw new Refusal('malformed_packets')
  }
  return [8, 9, 10].includes(hash) && [7, 8, 9].includes(cipher)
}

function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`)
}
