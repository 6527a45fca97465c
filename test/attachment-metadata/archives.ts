import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { latin, secret } from './samples.ts'

interface Options {
  /** Bit 0 of the flags. */
  readonly encrypted?: boolean
}

/** A zip archive with all that others write into it: dates, extra fields, comments. The first member is not packed. */
export function zip(
  members: Readonly<Record<string, string | Buffer>>,
  { encrypted = false }: Options = {},
): Buffer {
  const extra = Buffer.concat([Buffer.from([0x99, 0x99, secret.length, 0]), latin(secret)])
  const comment = latin(secret)
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [i, [name, text]] of Object.entries(members).entries()) {
    const content = Buffer.from(text)
    const packed = i === 0 ? content : deflateRawSync(content)
    const head = Buffer.alloc(30)
    head.writeUInt32LE(0x04034b50)
    head.writeUInt16LE(20, 4)
    head.writeUInt16LE(encrypted ? 1 : 0, 6)
    head.writeUInt16LE(i === 0 ? 0 : 8, 8)
    head.writeUInt32LE(0x5b21_6c21, 10)
    head.writeUInt32LE(crc32(content), 14)
    head.writeUInt32LE(packed.length, 18)
    head.writeUInt32LE(content.length, 22)
    head.writeUInt16LE(name.length, 26)
    head.writeUInt16LE(extra.length, 28)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50)
    head.copy(entry, 6, 4, 30)
    entry.writeUInt16LE(comment.length, 32)
    entry.writeUInt32LE(at, 42)
    const part = Buffer.concat([head, latin(name), extra, packed])
    parts.push(part)
    directory.push(entry, latin(name), extra, comment)
    at += part.length
  }
  const length = Buffer.concat(directory).length
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50)
  end.writeUInt16LE(parts.length, 8)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(length, 12)
  end.writeUInt32LE(at, 16)
  end.writeUInt16LE(comment.length, 20)
  return Buffer.concat([...parts, ...directory, end, comment])
}

/** What an archive holds, read by its local headers, which the program under test does not go by. */
export function unzip(bytes: Uint8Array): Record<string, string> {
  const archive = Buffer.from(bytes)
  const members: Record<string, string> = {}
  for (let at = 0; archive.readUInt32LE(at) === 0x04034b50; ) {
    const length = archive.readUInt32LE(at + 18)
    const from = at + 30 + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28)
    const packed = archive.subarray(from, from + length)
    const name = archive.toString('latin1', at + 30, at + 30 + archive.readUInt16LE(at + 26))
    members[name] = (archive.readUInt16LE(at + 8) === 0 ? packed : inflateRawSync(packed)).toString('latin1')
    at = from + length
  }
  return members
}
