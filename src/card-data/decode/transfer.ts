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

const alphabet = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
/** Long enough for a card number; on the lines that follow the first, anything that decodes to a byte. */
const shortest = 16
const shortestMore = 4
const newline = Buffer.from('\n')

/**
 * What base64 in a text says: each run of at least 16 characters of its alphabet, decoded, one per line; line ends within a
 * run are of no account. Runs that are words give rubbish, in which nothing is found.
 */
export function decodeBase64Runs(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + shortest <= bytes.length; ) {
    // From behind: most texts are passed over in steps of many characters.
    let back = shortest - 1
    while (back >= 0 && alphabet[bytes[at + back] as number] === 1) back--
    if (back >= 0) {
      at += back + 1
      continue
    }
    const end = endOfRun(bytes, at + shortest)
    const run = decodeRun(bytes.subarray(at, end))
    if (run !== undefined) parts.push(run, newline)
    at = end
  }
  return Buffer.concat(parts)
}

/** Undefined: digits alone, which are no base64, but what they are. Block by block, because a run can be the whole text. */
function decodeRun(run: Buffer): Buffer | undefined {
  const decoded = Buffer.allocUnsafe(Math.ceil((run.length / 4) * 3))
  let to = 0
  let rest = ''
  let digits = true
  for (let from = 0; from < run.length; from += decodedAtOnce) {
    const block = rest + run.toString('latin1', from, from + decodedAtOnce).replaceAll(/[\r\n]/g, '')
    digits &&= /^[0-9=-]*$/.test(block)
    const end = from + decodedAtOnce < run.length ? block.length & ~3 : block.length
    to += decoded.write(block.slice(0, end), to, 'base64')
    rest = block.slice(end)
  }
  return digits ? undefined : decoded.subarray(0, to)
}

const decodedAtOnce = 64 * 1024

/** Where the run ends that goes on at `at`: after its padding, and after all lines that continue it. */
function endOfRun(bytes: Buffer, at: number): number {
  let end = at
  for (;;) {
    while (end < bytes.length && alphabet[bytes[end] as number] === 1) end++
    for (let pad = 0; pad < 2 && bytes[end] === 0x3d; pad++) end++
    const next =
      bytes[end] === 10 ? end + 1 : bytes[end] === 13 && bytes[end + 1] === 10 ? end + 2 : undefined
    if (next === undefined) return end
    for (let i = next; i < next + shortestMore; i++) if (alphabet[bytes[i] ?? 0] !== 1) return end
    end = next
  }
}
