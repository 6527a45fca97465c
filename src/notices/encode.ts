/** A value for a header: printable ASCII as it is, anything else as encoded words (RFC 2047 section 2), folded. */
export function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text
  const words: string[] = []
  let piece = ''
  // 36 bytes become 48 characters of base64, so that the longest name of a header fits before; never part of a character.
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 36) {
      words.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...words, piece].map(word => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}

/** A display name before an address: quoted (RFC 5322 section 3.2.4), or encoded words and the end of a line. */
export function displayName(text: string): string {
  const encoded = encodeWords(text)
  return encoded === text ? `"${text.replace(/["\\]/g, '\\$&')}"` : `${encoded}\r\n`
}

/** Quoted-printable (RFC 2045 section 6.7) of UTF-8 text whose lines end with LF; lines of at most 76 characters, CRLF. */
export function quotedPrintable(text: string): string {
  return text.split('\n').map(quoteLine).join('\r\n')
}

function quoteLine(line: string): string {
  const pieces = [...Buffer.from(line)].map((byte, i, { length }) => {
    const plain = (byte >= 0x21 && byte <= 0x7e && byte !== 0x3d) || (byte === 0x20 && i < length - 1)
    return plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  const lines: string[] = []
  let current = ''
  for (const piece of pieces) {
    if (current.length + piece.length > 75) {
      lines.push(`${current}=`)
      current = ''
    }
    current += piece
  }
  return [...lines, current].join('\r\n')
}
