import { ByteReader } from './byte-reader.ts'
import type { KeyPacket } from './key-packet.ts'
import { Refusal } from './refusal.ts'

export const types = {
  /** 0x10 to 0x13: a certification of a user ID, by anyone. */
  firstCertification: 0x10,
  lastCertification: 0x13,
  subkeyBinding: 0x18,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
  certificationRevocation: 0x30,
}

/** A version 4 signature packet (RFC 9580 section 5.2.3) with what decides here, read without the library. */
export interface SignaturePacket {
  readonly body: Uint8Array
  readonly type: number
  /** `other` when it is not known here. */
  readonly hash: string
  readonly created: Date
  /** When the signature itself ends. */
  readonly expires: Date | undefined
  /** Seconds that the key which is signed lives from its creation; undefined: without end. */
  readonly keyLifetime: number | undefined
  /** First octet of the key flags (RFC 9580 section 5.2.3.29); undefined when the signature has none. */
  readonly keyFlags: number | undefined
  /** Whether feature 0x08, SEIPD version 2, is advertised (section 5.2.3.32). */
  readonly readsSeipdV2: boolean
  readonly namesRevoker: boolean
  /** False: made for its maker's own use (section 5.2.3.19). */
  readonly exportable: boolean
  /** Every issuer that is named, as upper-case hex of a key id. */
  readonly issuers: ReadonlySet<string>
}

interface Subpacket {
  readonly type: number
  readonly body: Uint8Array
  readonly hashed: boolean
}

const hashes: Readonly<Record<number, string>> = {
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  12: 'sha3-256',
  14: 'sha3-512',
}

const subpacketTypes = {
  created: 2,
  expires: 3,
  exportable: 4,
  keyLifetime: 9,
  revocationKey: 12,
  issuer: 16,
  keyFlags: 27,
  features: 30,
  issuerFingerprint: 33,
}

export function readSignaturePacket(body: Uint8Array): SignaturePacket {
  const reader = new ByteReader(body)
  if (reader.uint(1) !== 4) throw new Refusal('version_unsupported')
  const [type, , hash] = [reader.uint(1), reader.uint(1), reader.uint(1)]
  const all = [
    ...readSubpackets(reader.take(reader.uint(2)), true),
    ...readSubpackets(reader.take(reader.uint(2)), false),
  ]
  reader.take(2)
  if (reader.rest().length === 0) throw new Refusal('malformed_packets')

  const created = seconds(only(all, subpacketTypes.created))
  if (created === undefined) throw new Refusal('malformed_packets')
  const lifetime = seconds(only(all, subpacketTypes.expires)) ?? 0
  return {
    body,
    type,
    hash: hashes[hash] ?? 'other',
    created: new Date(created * 1000),
    expires: lifetime === 0 ? undefined : new Date((created + lifetime) * 1000),
    keyLifetime: seconds(only(all, subpacketTypes.keyLifetime)) || undefined, // 0 means without end
    keyFlags: only(all, subpacketTypes.keyFlags)?.[0],
    readsSeipdV2: ((only(all, subpacketTypes.features)?.[0] ?? 0) & 0x08) !== 0,
    namesRevoker: all.some(subpacket => subpacket.type === subpacketTypes.revocationKey),
    exportable: only(all, subpacketTypes.exportable)?.[0] !== 0,
    issuers: issuersOf(all),
  }
}

/** Whether `signature` says that `key` made it; one that names nobody is taken to, and then has to verify. */
export function claimsIssuer(signature: SignaturePacket, key: KeyPacket): boolean {
  return signature.issuers.size === 0 || signature.issuers.has(key.keyId)
}

/** By algorithm, how a signature itself is written (RFC 9580 section 5.2.3): integers, or octets of a fixed length. */
const signatureForms: Readonly<Record<number, (reader: ByteReader) => void>> = {
  1: reader => reader.mpi(),
  19: reader => [reader.mpi(), reader.mpi()],
  22: reader => [reader.mpi(), reader.mpi()],
  27: reader => reader.take(64),
  28: reader => reader.take(114),
}

/** Whether the signature in the packet has its one encoding: exact lengths, and nothing after it. */
export function isExactlyEncoded({ body }: SignaturePacket): boolean {
  const reader = new ByteReader(body)
  const [, , algorithm] = reader.take(4)
  reader.take(reader.uint(2))
  reader.take(reader.uint(2))
  reader.take(2)
  try {
    signatureForms[algorithm ?? 0]?.(reader)
    return reader.done
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

function readSubpackets(area: Uint8Array, hashed: boolean): readonly Subpacket[] {
  const reader = new ByteReader(area)
  const subpackets: Subpacket[] = []
  while (!reader.done) {
    const first = reader.uint(1)
    const length =
      first < 192 ? first : first < 255 ? (first - 192) * 256 + reader.uint(1) + 192 : reader.uint(4)
    if (length === 0) throw new Refusal('malformed_packets')
    const type = reader.uint(1) & 0x7f
    subpackets.push({ type, body: reader.take(length - 1), hashed })
  }
  return subpackets
}

/** The hashed subpacket of a type: two would let two readers choose differently, so they are refused. */
function only(all: readonly Subpacket[], type: number): Uint8Array | undefined {
  const found = all.filter(subpacket => subpacket.hashed && subpacket.type === type)
  if (found.length > 1) throw new Refusal('malformed_packets')
  return found[0]?.body
}

function seconds(body: Uint8Array | undefined): number | undefined {
  if (body === undefined) return undefined
  if (body.length !== 4) throw new Refusal('malformed_packets')
  return new ByteReader(body).uint(4)
}

function issuersOf(all: readonly Subpacket[]): ReadonlySet<string> {
  const named = all.filter(
    ({ type }) => type === subpacketTypes.issuer || type === subpacketTypes.issuerFingerprint,
  )
  return new Set(named.map(({ body }) => Buffer.from(body).toString('hex').toUpperCase().slice(-16)))
}
