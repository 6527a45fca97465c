/** One OpenPGP packet: its type ID and the pieces of its body (more than one with partial lengths). */
export interface Packet {
  readonly tag: number
  readonly pieces: readonly Uint8Array[]
}

const seipd = 18

/**
 * Cuts a binary OpenPGP message into packets (RFC 9580 section 4.2); undefined when the framing is not exactly right.
 * Strict: the current packet format only, lengths in their shortest form, partial lengths only for encrypted data and
 * only from 512 bytes, and the last packet ends where the bytes end. Copies nothing.
 */
export function readPackets(bytes: Uint8Array, most: number): readonly Packet[] | undefined {
  const packets: Packet[] = []
  let at = 0
  while (at < bytes.length) {
    const first = bytes[at++] ?? 0
    // Both top bits: the packet format of 1998. Nobody has a reason to write the one before it.
    if ((first & 0xc0) !== 0xc0 || packets.length === most) return undefined
    const tag = first & 0x3f
    const pieces: Uint8Array[] = []
    for (;;) {
      const length = readLength(bytes, at)
      if (length === undefined || length.next + length.size > bytes.length) return undefined
      if (length.partial && (tag !== seipd || (pieces.length === 0 && length.size < 512))) return undefined
      at = length.next + length.size
      pieces.push(bytes.subarray(length.next, at))
      if (!length.partial) break
    }
    packets.push({ tag, pieces })
  }
  return packets
}

interface Length {
  readonly size: number
  readonly next: number
  readonly partial: boolean
}

/** RFC 9580 section 4.2.1. */
function readLength(bytes: Uint8Array, at: number): Length | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 192) return { size: first, next: at + 1, partial: false }
  if (first >= 224 && first < 255) return { size: 2 ** (first & 0x1f), next: at + 1, partial: true }
  if (first < 224) {
    const second = bytes[at + 1]
    if (second === undefined) return undefined
    return { size: ((first - 192) << 8) + second + 192, next: at + 2, partial: false }
  }
  if (at + 5 > bytes.length) return undefined
  const size = new DataView(bytes.buffer, bytes.byteOffset + at + 1, 4).getUint32(0)
  return size < 8384 ? undefined : { size, next: at + 5, partial: false }
}
