import { inflateRawSync } from 'node:zlib'

export interface Member {
  readonly name: string
  /** Undefined: it cannot be read: encrypted, damaged, too large, packed by another method. */
  readonly bytes: Buffer | undefined
}

export const isZip = (bytes: Uint8Array): boolean =>
  startsWith(bytes, [0x50, 0x4b, 3, 4]) || startsWith(bytes, [0x50, 0x4b, 5, 6])

const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const localHeader = 0x04034b50

/**
 * The members of a zip archive (APPNOTE.TXT), by its central directory. `budget`: bytes that all of them together may unpack
 * to, at most `most` members. Undefined: it is no whole archive, or holds more; then nothing is known of it.
 */
export function* zipMembers(
  bytes: Buffer,
  budget: { left: number },
  most: number,
): Generator<Member, boolean> {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end < 0 || end + 22 > bytes.length || bytes.readUInt32LE(end) !== endOfDirectory) return false
  const count = bytes.readUInt16LE(end + 10)
  let at = bytes.readUInt32LE(end + 16)
  // 0xffff: ZIP64, for archives larger than what is accepted here.
  if (count > most || count === 0xffff) return false
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== directoryEntry) return false
    const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)]
    const packed = bytes.readUInt32LE(at + 20)
    const nameLength = bytes.readUInt16LE(at + 28)
    const local = bytes.readUInt32LE(at + 42)
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
    yield { name, bytes: (flags & 1) === 1 ? undefined : unpack(bytes, local, packed, method, budget) }
  }
  return true
}

function unpack(
  bytes: Buffer,
  local: number,
  packed: number,
  method: number,
  budget: { left: number },
): Buffer | undefined {
  if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== localHeader) return undefined
  const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
  if (from + packed > bytes.length) return undefined
  const content = bytes.subarray(from, from + packed)
  const unpacked = method === 0 ? content : method === 8 ? inflate(content, budget.left) : undefined
  if (unpacked === undefined || unpacked.length > budget.left) return undefined
  budget.left -= unpacked.length
  return unpacked
}

function inflate(content: Uint8Array, most: number): Buffer | undefined {
  try {
    return inflateRawSync(content, { maxOutputLength: Math.max(most, 1) })
  } catch {
    return undefined
  }
}

function startsWith(bytes: Uint8Array, head: readonly number[]): boolean {
  return head.every((byte, i) => bytes[i] === byte)
}
