const values = Int8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? -1 : value
})

/** The value of a hexadecimal digit; -1: it is none, or the end. */
export function hexDigit(bytes: Uint8Array, at: number): number {
  return at < bytes.length ? (values[bytes[at] as number] as number) : -1
}

/** The value of two hexadecimal digits; -1: they are not two. */
export function hexPair(bytes: Uint8Array, at: number): number {
  const high = hexDigit(bytes, at)
  const low = high < 0 ? -1 : hexDigit(bytes, at + 1)
  return low < 0 ? -1 : high * 16 + low
}
