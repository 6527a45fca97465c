/**
 * Which way up a picture is shown: tag 0x0112 of the first directory of a TIFF structure (Exif 3.0 section 4.6.5.1.6). 1, as it
 * stands, when there is none or it cannot be read; then readers do not find it either.
 */
export function orientationOf(tiff: Buffer): number {
  const order = tiff.toString('latin1', 0, 4)
  const little = order === 'II*\0'
  if ((!little && order !== 'MM\0*') || tiff.length < 8) return 1
  const word = (at: number): number => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at))
  const directory = little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4)
  if (directory + 2 > tiff.length) return 1
  const entries = word(directory)
  for (let i = 0, at = directory + 2; i < entries && at + 12 <= tiff.length; i++, at += 12) {
    if (word(at) !== 0x0112) continue
    const value = word(at + 8)
    return word(at + 2) === 3 && value >= 1 && value <= 8 ? value : 1
  }
  return 1
}

/** A TIFF structure that says which way up, and nothing else. */
export function orientationOnly(orientation: number): Buffer {
  // One entry, SHORT, one value; no directory follows.
  return Buffer.from([
    ...Buffer.from('MM\0*'),
    ...[0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0],
  ])
}
