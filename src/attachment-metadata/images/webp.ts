import { orientationOf, orientationOnly } from './orientation.ts'

export const isWebp = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP'

const shown = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP'])
const shownInFrame = new Set(['VP8 ', 'VP8L', 'ALPH'])

/** A WebP (RFC 9649) of the chunks that show something. Of `EXIF` stays which way up. What follows its end goes. */
export function stripWebp(bytes: Buffer): Buffer | undefined {
  const end = bytes.length < 12 ? 0 : bytes.readUInt32LE(4) + 8
  if (end > bytes.length) return undefined
  const chunks = readChunks(bytes.subarray(12, end))
  if (chunks === undefined) return undefined
  const exif = chunks.find(({ type }) => type === 'EXIF')?.content
  // Some write the segment of a JPEG into it.
  const tiff = exif?.toString('latin1', 0, 6) === 'Exif\0\0' ? exif.subarray(6) : exif
  const orientation = tiff === undefined ? 1 : orientationOf(tiff)
  const kept: Buffer[] = []
  for (const { type, content } of chunks) {
    if (!shown.has(type)) continue
    let own = content
    if (type === 'VP8X') {
      if (content.length < 10) return undefined
      own = Buffer.from(content)
      // Bits "Exif metadata" and "XMP metadata" (section 2.7.1).
      own[0] = ((content[0] ?? 0) & ~0x0c) | (orientation === 1 ? 0 : 0x08)
    } else if (type === 'ANMF') {
      const frame = stripFrame(content)
      if (frame === undefined) return undefined
      own = frame
    }
    kept.push(written(type, own))
  }
  const extended = chunks.some(({ type }) => type === 'VP8X')
  if (orientation !== 1 && extended) kept.push(written('EXIF', orientationOnly(orientation)))
  const body = Buffer.concat([Buffer.from('WEBP'), ...kept])
  const head = Buffer.from('RIFF\0\0\0\0')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

/** A frame is a header of 16 bytes and chunks of its own. */
function stripFrame(content: Buffer): Buffer | undefined {
  const chunks = content.length < 16 ? undefined : readChunks(content.subarray(16))
  if (chunks === undefined) return undefined
  const kept = chunks.filter(({ type }) => shownInFrame.has(type))
  return Buffer.concat([content.subarray(0, 16), ...kept.map(each => written(each.type, each.content))])
}

function readChunks(bytes: Buffer): { type: string; content: Buffer }[] | undefined {
  const chunks: { type: string; content: Buffer }[] = []
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) return undefined
    const length = bytes.readUInt32LE(at + 4)
    if (at + 8 + length > bytes.length) return undefined
    chunks.push({
      type: bytes.toString('latin1', at, at + 4),
      content: bytes.subarray(at + 8, at + 8 + length),
    })
    // Padded to an even length.
    at += 8 + length + (length & 1)
  }
  return chunks
}

function written(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content, Buffer.alloc(content.length & 1)])
}
