const lineLength = 76

/** The value of each base64 digit (RFC 4648 section 4), or 255. */
const digits = new Uint8Array(256).fill(255)
for (let i = 0; i < 64; i++) {
  digits['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(i)] = i
}

/**
 * Decodes base64 with padding and nothing else: no white space, no missing padding, and no stray bits under the padding (RFC 4648
 * section 3.5), so that one content has one form. The result lies where the digits were, which are overwritten; undefined when
 * they are not of this form.
 */
export function decodeInPlace(ascii: Uint8Array): Uint8Array | undefined {
  const length = ascii.length
  if (length === 0) return ascii
  if (length % 4 !== 0) return undefined
  const padding = ascii[length - 1] !== 0x3d ? 0 : ascii[length - 2] !== 0x3d ? 1 : 2
  const whole = padding === 0 ? length : length - 4
  let to = 0
  for (let at = 0; at < whole; at += 4) {
    const a = valueOf(ascii[at])
    const b = valueOf(ascii[at + 1])
    const c = valueOf(ascii[at + 2])
    const d = valueOf(ascii[at + 3])
    if ((a | b | c | d) > 63) return undefined
    ascii[to++] = (a << 2) | (b >> 4)
    ascii[to++] = (b << 4) | (c >> 2)
    ascii[to++] = (c << 6) | d
  }
  if (padding > 0) {
    const a = valueOf(ascii[whole])
    const b = valueOf(ascii[whole + 1])
    const c = padding === 1 ? valueOf(ascii[whole + 2]) : 0
    const stray = padding === 1 ? c & 3 : b & 15
    if ((a | b | c) > 63 || stray !== 0) return undefined
    ascii[to++] = (a << 2) | (b >> 4)
    if (padding === 1) ascii[to++] = (b << 4) | (c >> 2)
  }
  ascii.fill(0, to)
  return ascii.subarray(0, to)
}

function valueOf(digit: number | undefined): number {
  return digits[digit ?? 0] ?? 255
}

/** Encodes to base64 lines, in blocks of about 58 kB, so that large content is never held twice. */
export function* encodeBase64(bytes: Uint8Array): Generator<Uint8Array> {
  const block = (lineLength / 4) * 3 * 750
  for (let start = 0; start < bytes.length; start += block) {
    const part = bytes.subarray(start, start + block)
    const ascii = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64')
    yield wrap(Buffer.from(ascii, 'latin1'))
  }
}

/** Lines of 76 with CRLF (RFC 2045 section 6.8). */
function wrap(ascii: Uint8Array): Uint8Array {
  const out = new Uint8Array(ascii.length + Math.ceil(ascii.length / lineLength) * 2)
  let to = 0
  for (let from = 0; from < ascii.length; from += lineLength) {
    const line = ascii.subarray(from, from + lineLength)
    out.set(line, to)
    to += line.length
    out[to++] = 0x0d
    out[to++] = 0x0a
  }
  return out
}
