import { orientationOf, orientationOnly } from './orientation.ts'

export const isJpeg = (bytes: Buffer): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff

/** What a decoder needs (ITU-T T.81 table B.1): frames but hierarchical ones, tables, restart interval, number of lines. */
const needed = new Set([...[0xc0, 0xc1, 0xc2, 0xc3, 0xc9, 0xca, 0xcb, 0xc4, 0xcc], ...[0xdb, 0xdc, 0xdd]])

/**
 * A JPEG (ITU-T T.81) without its application segments and comments, and without what follows its end. Kept: JFIF without its
 * thumbnail, colour profile, Adobe's colour transform; of Exif, which way up.
 */
export function stripJpeg(bytes: Buffer): Buffer | undefined {
  const kept: Buffer[] = [bytes.subarray(0, 2)]
  let orientation = 1
  let place = 1
  let scans = 0
  let at = 2
  for (;;) {
    if (bytes[at] !== 0xff) return undefined
    while (bytes[at] === 0xff) at++
    const marker = bytes[at++]
    if (marker === undefined) return undefined
    if (marker === 0xd9) break
    if (at + 2 > bytes.length) return undefined
    const end = at + bytes.readUInt16BE(at)
    if (end < at + 2 || end > bytes.length) return undefined
    const segment = bytes.subarray(at + 2, end)
    if (marker === 0xe1 && startsWith(segment, 'Exif\0')) {
      if (orientation === 1) orientation = orientationOf(segment.subarray(6))
    } else if (marker === 0xda) {
      scans++
      const after = afterScan(bytes, end)
      kept.push(bytes.subarray(at - 2, after))
      at = after
      continue
    } else if (needed.has(marker) || keptApplication(marker, segment)) {
      kept.push(marker === 0xe0 || marker === 0xee ? written(marker, segment) : bytes.subarray(at - 2, end))
      // JFIF stands first (JFIF 1.02), Exif behind it.
      if (marker === 0xe0) place = kept.length
    } else if (!((marker >= 0xe0 && marker <= 0xef) || marker === 0xfe)) return undefined
    at = end
  }
  if (scans === 0) return undefined
  if (orientation !== 1) {
    kept.splice(
      place,
      0,
      written(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), orientationOnly(orientation)])),
    )
  }
  return Buffer.concat([...kept, Buffer.from([0xff, 0xd9])])
}

function keptApplication(marker: number, segment: Buffer): boolean {
  if (marker === 0xe0) return startsWith(segment, 'JFIF\0') && segment.length >= 14
  if (marker === 0xe2) return startsWith(segment, 'ICC_PROFILE\0')
  return marker === 0xee && startsWith(segment, 'Adobe') && segment.length >= 12
}

function written(marker: number, segment: Buffer): Buffer {
  let content = segment
  // Width and height of its thumbnail become 0.
  if (marker === 0xe0) content = Buffer.concat([segment.subarray(0, 12), Buffer.alloc(2)])
  if (marker === 0xee) content = segment.subarray(0, 12)
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}

/** Behind the entropy-coded data: the next marker that is neither a stuffed zero nor a restart (section B.1.1.5). */
function afterScan(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    at = bytes.indexOf(0xff, at)
    if (at < 0) return bytes.length
    const next = bytes[at + 1] ?? 0
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at
    at += next === 0xff ? 1 : 2
  }
}

const startsWith = (bytes: Buffer, head: string): boolean =>
  bytes.length >= head.length && bytes.toString('latin1', 0, head.length) === head
