import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

export interface Member {
  readonly name: string
  /** 0: as it is, 8: deflated. */
  readonly method: number
  readonly crc: number
  readonly size: number
  readonly packed: Buffer
}

export const isZip = (bytes: Buffer): boolean => bytes.length > 30 && bytes.readUInt32LE(0) === localHeader

const localHeader = 0x04034b50
const directoryEntry = 0x02014b50
const endOfDirectory = 0x06054b50
const most = 10_000
/** What one member may unpack to. */
const largest = 128 * 1024 * 1024

/**
 * The members of a zip archive (APPNOTE.TXT) in the order of its directory. Undefined: it is damaged, encrypted, ZIP64, packed by
 * another method than deflate, or its parts overlap.
 */
export function readZip(bytes: Buffer): Member[] | undefined {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]))
  if (end < 0 || end + 22 > bytes.length || bytes.readUInt32LE(end) !== endOfDirectory) return undefined
  const count = bytes.readUInt16LE(end + 10)
  if (count > most) return undefined
  const members: Member[] = []
  const names = new Set<string>()
  let used = 0
  let at = bytes.readUInt32LE(end + 16)
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== directoryEntry) return undefined
    const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)]
    const [crc, length, size] = [16, 20, 24].map(place => bytes.readUInt32LE(at + place)) as [
      number,
      number,
      number,
    ]
    const nameLength = bytes.readUInt16LE(at + 28)
    const rawName = bytes.subarray(at + 46, at + 46 + nameLength)
    const local = bytes.readUInt32LE(at + 42)
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
    if ((flags & 1) === 1 || (method !== 0 && method !== 8) || (method === 0 && length !== size))
      return undefined
    if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== localHeader) return undefined
    const localName = bytes.readUInt16LE(local + 26)
    if (!bytes.subarray(local + 30, local + 30 + localName).equals(rawName)) return undefined
    const from = local + 30 + localName + bytes.readUInt16LE(local + 28)
    // Members that share their bytes could come to more than the archive is long.
    used += length
    if (from + length > bytes.length || used > bytes.length) return undefined
    const name = rawName.toString('utf8')
    const folded = name.toLowerCase()
    if (names.has(folded)) return undefined
    names.add(folded)
    // Folders are there by the names of what is in them.
    if (!name.endsWith('/'))
      members.push({ name, method, crc, size, packed: bytes.subarray(from, from + length) })
  }
  return members
}

/** The content of a member; undefined: damaged, or more than `budget` has left. */
export function unpack(member: Member, budget: { left: number }): Buffer | undefined {
  const { method, packed, size, crc } = member
  if (size > largest || size > budget.left) return undefined
  budget.left -= size
  try {
    const content = method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) })
    return content.length === size && crc32(content) === crc ? content : undefined
  } catch {
    return undefined
  }
}

export function pack(name: string, content: Buffer): Member {
  return { name, method: 8, crc: crc32(content), size: content.length, packed: deflateRawSync(content) }
}

/** An archive of these members: no comments, no extra fields, the same date for each. */
export function writeZip(members: readonly Member[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, method, crc, size, packed } of members) {
    const utf8 = Buffer.from(name)
    const head = Buffer.alloc(30)
    head.writeUInt32LE(localHeader, 0)
    head.writeUInt16LE(20, 4)
    // Bit 11: names are UTF-8 (section 4.4.4); only where it matters, for some readers know ASCII alone.
    head.writeUInt16LE(utf8.length === name.length ? 0 : 0x800, 6)
    head.writeUInt16LE(method, 8)
    // 1 January 1980, the first day that there is here.
    head.writeUInt16LE(0x21, 12)
    head.writeUInt32LE(crc, 14)
    head.writeUInt32LE(packed.length, 18)
    head.writeUInt32LE(size, 22)
    head.writeUInt16LE(utf8.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(directoryEntry, 0)
    entry.writeUInt16LE(20, 4)
    head.copy(entry, 6, 4, 30)
    entry.writeUInt32LE(at, 42)
    parts.push(head, utf8, packed)
    directory.push(entry, utf8)
    at += 30 + utf8.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(endOfDirectory, 0)
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(
    directory.reduce((sum, part) => sum + part.length, 0),
    12,
  )
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, ...directory, end])
}
