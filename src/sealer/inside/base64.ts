const lineLength = 76

/** The value of each base64 digit (RFC 4648 section 4), or 255. */
const digits = new Uint8Array(256).fill(255)
for (let i = 0; i < 64; i++) {
  digits['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(i)] = i
}

/**
 * Whether `ascii` is base64 with padding and nothing else: no white space, no missing padding, and no stray bits
 * under the padding (RFC 4648 section 3.5), so that one content has one form.
 */
export function isCanonicalBase64(ascii: Uint8Array): boolean {
  const length = ascii.length
  if (length === 0) return true
  if (length % 4 !== 0) return false
  const padding = ascii[length - 1] !== 0x3d ? 0 : ascii[length - 2] !== 0x3d ? 1 : 2
  const end = length - padding
  for (let i = 0; i < end; i++) if ((digits[ascii[i] ?? 0] ?? 255) > 63) return false
  const stray = padding === 0 ? 0 : padding === 1 ? 3 : 15
  return ((digits[ascii[end - 1] ?? 0] ?? 255) & stray) === 0
}

/** Breaks base64 into lines of 76 with CRLF (RFC 2045 section 6.8), in blocks of about 58 kB. */
export function* wrapBase64(ascii: Uint8Array): Generator<Uint8Array> {
  const block = lineLength * 750
  for (let start = 0; start < ascii.length; start += block) {
    const part = ascii.subarray(start, start + block)
    const lines = Math.ceil(part.length / lineLength)
    const out = new Uint8Array(part.length + lines * 2)
    let to = 0
    for (let from = 0; from < part.length; from += lineLength) {
      const line = part.subarray(from, from + lineLength)
      out.set(line, to)
      to += line.length
      out[to++] = 0x0d
      out[to++] = 0x0a
    }
    yield out
  }
}

/** Encodes to base64 lines, in blocks, so that a large text is never held twice. */
export function* encodeBase64(bytes: Uint8Array): Generator<Uint8Array> {
  const block = (lineLength / 4) * 3 * 750
  for (let start = 0; start < bytes.length; start += block) {
    const part = bytes.subarray(start, start + block)
    const ascii = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64')
    yield* wrapBase64(Buffer.from(ascii, 'latin1'))
  }
}
