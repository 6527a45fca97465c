import { ByteReader } from './byte-reader.ts'
import { Refusal } from './refusal.ts'

export interface Packet {
  readonly tag: number
  readonly body: Uint8Array
}

export const tags = {
  signature: 2,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
}

/**
 * Cuts `bytes` into packets (RFC 9580 section 4.2). Both header forms, whole lengths only: partial and indeterminate
 * lengths are for data packets, and a second reader could cut them elsewhere. Stops at the first sign of a private key,
 * so that its owner hears of it whatever else is wrong.
 *
 * @param first what the first packet may be
 */
export function cutPackets(
  bytes: Uint8Array,
  first: readonly number[] = [tags.publicKey],
): readonly Packet[] {
  const reader = new ByteReader(bytes)
  const packets: Packet[] = []
  while (!reader.done) {
    const lead = reader.uint(1)
    if ((lead & 0x80) === 0) throw new Refusal('malformed_packets')
    const legacy = (lead & 0x40) === 0
    const tag = legacy ? (lead >> 2) & 0x0f : lead & 0x3f
    if (tag === tags.secretKey || tag === tags.secretSubkey) throw new Refusal('private_key')
    if (packets.length === 0 && !first.includes(tag)) throw new Refusal('not_a_certificate')
    const length = legacy ? legacyLength(reader, lead & 3) : currentLength(reader)
    packets.push({ tag, body: reader.take(length) })
  }
  return packets
}

function legacyLength(reader: ByteReader, type: number): number {
  if (type === 0) return reader.uint(1)
  if (type === 1) return reader.uint(2)
  if (type === 2) return reader.uint(4)
  throw new Refusal('malformed_packets')
}

function currentLength(reader: ByteReader): number {
  const first = reader.uint(1)
  if (first < 192) return first
  if (first < 224) return (first - 192) * 256 + reader.uint(1) + 192
  if (first === 255) return reader.uint(4)
  throw new Refusal('malformed_packets')
}
