/** UTF-8 of what is UTF-16 or UTF-32, by its byte order mark or by its zeros; undefined: it is neither. */
export function fromWideUnicode(bytes: Uint8Array): Buffer | undefined {
  const [a, b, c, d] = bytes
  if (a === 0xff && b === 0xfe && c === 0 && d === 0) return fromUtf32(bytes.subarray(4), 'LE')
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return fromUtf32(bytes.subarray(4), 'BE')
  if (a === 0xff && b === 0xfe) return fromUtf16(bytes.subarray(2), 'LE')
  if (a === 0xfe && b === 0xff) return fromUtf16(bytes.subarray(2), 'BE')
  const sample = Math.min(bytes.length, 4096)
  let [even, odd] = [0, 0]
  for (let i = 0; i + 1 < sample; i += 2) {
    if (bytes[i] === 0) even++
    if (bytes[i + 1] === 0) odd++
  }
  if (odd * 5 > sample && even * 10 < sample) return fromUtf16(bytes, 'LE')
  if (even * 5 > sample && odd * 10 < sample) return fromUtf16(bytes, 'BE')
  return undefined
}

function fromUtf16(bytes: Uint8Array, order: 'LE' | 'BE'): Buffer {
  const even = Buffer.from(bytes.subarray(0, bytes.length & ~1))
  if (order === 'BE') even.swap16()
  return Buffer.from(even.toString('utf16le'), 'utf8')
}

function fromUtf32(bytes: Uint8Array, order: 'LE' | 'BE'): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length & ~3)
  let text = ''
  for (let i = 0; i < view.length; i += 4) {
    const code = order === 'LE' ? view.readUInt32LE(i) : view.readUInt32BE(i)
    text += code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : ' '
  }
  return Buffer.from(text, 'utf8')
}
