const table = Int32Array.from({ length: 256 }, (_, octet) => {
  let crc = octet << 16
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x800000) === 0 ? 0 : 0x1864cfb)
  return crc
})

/** CRC24 of RFC 9580 section 6.1.1, over bytes that may come in pieces: hand in what came of the piece before. */
export function crc24(bytes: Uint8Array, crc = 0xb704ce): number {
  for (const octet of bytes) crc = ((crc << 8) & 0xffffff) ^ (table[(crc >> 16) ^ octet] ?? 0)
  return crc
}

/** The line that ends armour, without its line end. */
export function checksumLine(crc: number): string {
  return `=${Buffer.from([crc >> 16, (crc >> 8) & 0xff, crc & 0xff]).toString('base64')}`
}
