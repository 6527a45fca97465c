/** Quoted-printable (RFC 2045 section 6.7): soft line ends and `=34`. Latin-1 in and out; what is no such thing stays. */
export function decodeQuotedPrintable(text: string): string {
  return text.replace(/=(?:[ \t]{0,4}\r?\n|([0-9A-Fa-f]{2}))/g, (_, hex: string | undefined) =>
    hex === undefined ? '' : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Encoded words (RFC 2047), those next to each other joined. Whatever charset they name: digits are the same in all that matter. */
export function decodeWords(text: string): string {
  return text
    .replace(/(=\?[^?\s]{1,40}\?[BbQq]\?[^?]{0,4096}\?=)\s+(?==\?)/g, '$1')
    .replace(
      /=\?([^?\s]{1,40})\?([BbQq])\?([^?]{0,4096})\?=/g,
      (_, charset: string, kind: string, content: string) => {
        const bytes =
          kind.toUpperCase() === 'B'
            ? Buffer.from(content, 'base64')
            : Buffer.from(decodeQuotedPrintable(content.replaceAll('_', ' ')), 'latin1')
        return /^utf-?16/i.test(charset) ? bytes.toString('utf16le') : bytes.toString('latin1')
      },
    )
}

/** Long enough for a card number. */
const shortest = 16

/**
 * What base64 in a text says: each run of at least 16 characters of its alphabet, decoded, one per line; line ends within a
 * run are of no account. Runs that are words give rubbish, in which nothing is found.
 */
export function decodeBase64Runs(text: string): Buffer {
  const parts: Buffer[] = []
  const runs = /[A-Za-z0-9+/_-]{16,}={0,2}(?:\r?\n[A-Za-z0-9+/_-]{4,}={0,2})*/g
  for (const [run] of text.matchAll(runs)) {
    const packed = run.replaceAll(/[\r\n]/g, '')
    // Digits alone are no base64, but what they are.
    if (packed.length < shortest || /^[0-9=-]*$/.test(packed)) continue
    parts.push(Buffer.from(packed, 'base64'), newline)
  }
  return Buffer.concat(parts)
}

const newline = Buffer.from('\n')
