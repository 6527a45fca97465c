const crlf = '\r\n'

/** Visible ASCII with inner spaces, short enough for one line, that no reader would take for an encoded word. */
const plainSubject = /^(?!.*=\?)[!-~](?:[ -~]{0,62}[!-~])?$/

/**
 * One encoded word may have 75 characters (RFC 2047 section 2). 39 bytes make 64 of them, in base64 between
 * `=?UTF-8?B?` and `?=`, which leaves the first line room for the name of the field.
 */
const wordBytes = 39

/** The value of a Subject field that decodes to exactly `text`, spaces at its ends included. */
export function encodeSubject(text: string): string {
  if (text === '' || plainSubject.test(text)) return text
  return splitUtf8(text, wordBytes)
    .map(part => `=?UTF-8?B?${Buffer.from(part, 'utf8').toString('base64')}?=`)
    .join(`${crlf} `)
}

/** One parameter of a Content-Disposition, on lines of its own, each starting with `;`. */
export function encodeFilename(name: string): string {
  if (/^[A-Za-z0-9 ._()+-]{1,60}$/.test(name)) return `;${crlf} filename="${name}"`
  // RFC 2231 sections 3 and 4; cut between characters, because not every reader joins the bytes before decoding.
  const parts = splitUtf8(name, 18).map(percentEncode)
  if (parts.length === 1) return `;${crlf} filename*=UTF-8''${parts.join('')}`
  return parts.map((part, i) => `;${crlf} filename*${i}*=${i === 0 ? "UTF-8''" : ''}${part}`).join('')
}

function percentEncode(text: string): string {
  let out = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte)
    out += /[A-Za-z0-9._-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return out
}

/** Cuts between code points into parts of at most `limit` bytes. */
function splitUtf8(text: string, limit: number): string[] {
  const parts: string[] = []
  let part = ''
  let size = 0
  for (const character of text) {
    const bytes = Buffer.byteLength(character, 'utf8')
    if (size + bytes > limit) {
      parts.push(part)
      part = ''
      size = 0
    }
    part += character
    size += bytes
  }
  return [...parts, part]
}
