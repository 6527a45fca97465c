export const isGif = (bytes: Buffer): boolean => /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))

/** What animates, and colours; other applications' blocks (XMP among them) go. */
const keptApplications = new Set(['NETSCAPE2.0', 'ANIMEXTS1.0', 'ICCRGBG1012'])

/** A GIF (GIF89a specification) without its comments, other programs' blocks, and what follows its end. */
export function stripGif(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 13) return undefined
  let at = 13 + tableLength(bytes[10] ?? 0)
  const kept: Buffer[] = [bytes.subarray(0, at)]
  for (;;) {
    const from = at
    const introducer = bytes[at]
    if (introducer === 0x3b) return Buffer.concat([...kept, bytes.subarray(at, at + 1)])
    if (introducer === 0x2c) {
      if (at + 10 > bytes.length) return undefined
      const end = afterBlocks(bytes, at + 11 + tableLength(bytes[at + 9] ?? 0))
      if (end === undefined) return undefined
      kept.push(bytes.subarray(from, end))
      at = end
      continue
    }
    if (introducer !== 0x21) return undefined
    const end = afterBlocks(bytes, at + 2)
    if (end === undefined) return undefined
    const label = bytes[at + 1]
    if (
      label === 0xf9 ||
      label === 0x01 ||
      (label === 0xff && keptApplications.has(bytes.toString('latin1', at + 3, at + 14)))
    ) {
      kept.push(bytes.subarray(from, end))
    }
    at = end
  }
}

/** Three bytes a colour, as many as the low bits of a packed field say, when its high bit says that there is a table. */
const tableLength = (packed: number): number => (packed & 0x80 ? 3 << ((packed & 7) + 1) : 0)

/** Behind a row of sub-blocks, each of which begins with its length, the last with 0. */
function afterBlocks(bytes: Buffer, from: number): number | undefined {
  let at = from
  for (;;) {
    const length = bytes[at]
    if (length === undefined) return undefined
    at += length + 1
    if (length === 0) return at
  }
}
