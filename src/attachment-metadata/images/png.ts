import { crc32 } from 'node:zlib'
import { orientationOf, orientationOnly } from './orientation.ts'

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

export const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(signature)

/** The picture, its colours, its size on paper, its frames (PNG 3rd edition, sections 11 and 13). */
const shown = new Set(
  'IHDR PLTE IDAT IEND tRNS bKGD cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI mDCv cLLi pHYs acTL fcTL fdAT'.split(
    ' ',
  ),
)

/** A PNG of the chunks that show something. Of `eXIf` stays which way up. What follows its end goes. */
export function stripPng(bytes: Buffer): Buffer | undefined {
  const kept: Buffer[] = [signature]
  let orientation = 1
  let at = 8
  for (;;) {
    if (at + 12 > bytes.length) return undefined
    const length = bytes.readUInt32BE(at)
    const end = at + 12 + length
    const type = bytes.toString('latin1', at + 4, at + 8)
    if (end > bytes.length || (at === 8) !== (type === 'IHDR')) return undefined
    if (type === 'eXIf') orientation = orientationOf(bytes.subarray(at + 8, end - 4))
    if (shown.has(type)) {
      if (type === 'IEND' && orientation !== 1) kept.push(chunk('eXIf', orientationOnly(orientation)))
      kept.push(bytes.subarray(at, end))
    }
    // An upper-case first letter: the picture cannot be shown without it.
    else if (!/^[a-z][A-Za-z]{3}$/.test(type)) return undefined
    if (type === 'IEND') return Buffer.concat(kept)
    at = end
  }
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const out = Buffer.alloc(named.length + 8)
  out.writeUInt32BE(content.length, 0)
  named.copy(out, 4)
  out.writeUInt32BE(crc32(named), named.length + 4)
  return out
}
