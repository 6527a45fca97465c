import { hexPair } from './hex.ts'

const equals = 0x3d

/** Quoted-printable (RFC 2045 section 6.7): soft line ends and `=34`. Latin-1 in and out; what is no such thing stays. */
export function decodeQuotedPrintable(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  let to = 0
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    const value = byte === equals ? hexPair(bytes, at + 1) : -1
    const softEnd = byte === equals && value < 0 ? endOfSoftLine(bytes, at + 1) : undefined
    if (softEnd !== undefined) at = softEnd
    else {
      // In place: what is decoded is never longer.
      bytes[to++] = value < 0 ? byte : value
      at += value < 0 ? 1 : 3
    }
  }
  return bytes.toString('latin1', 0, to)
}

function endOfSoftLine(bytes: Uint8Array, from: number): number | undefined {
  let at = from
  while (at < from + 4 && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++
  if (bytes[at] === 0x0d) at++
  return bytes[at] === 0x0a ? at + 1 : undefined
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
/**
 * What base64 in a text says: each run of at least 16 characters of its alphabet, decoded, one per line; line ends within a
 * run are of no account. Runs that are words give rubbish, in which nothing is found.
 */
export function decodeBase64Runs(bytes: Buffer): Buffer {
  let decoded: Buffer | undefined
  let to = 0
  for (let at = 0; at + shortest <= bytes.length; ) {
    // From behind: most texts are passed over in steps of many characters.
    let back = shortest - 1
    while (back >= 0 && alphabet[bytes[at + back] as number] === 1) back--
    if (back >= 0) {
      at += back + 1
      continue
    }
    const end = endOfRun(bytes, at + shortest)
    if (!isDigits(bytes, at, end)) {
      // Not longer than what it was made of, a line end included.
      decoded ??= Buffer.allocUnsafe(bytes.length - at)
      to = decodeRun(bytes.subarray(at, end), decoded, to)
      decoded[to++] = 0x0a
    }
    at = end
  }
  return decoded?.subarray(0, to) ?? Buffer.of()
}

/** Digits alone are no base64, but what they are; with padding and dashes, too, and over several lines. */
function isDigits(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    const passes = (byte >= 0x30 && byte <= 0x39) || byte === equals || byte === 0x2d
    if (!passes && byte !== 0x0a && byte !== 0x0d) return false
  }
  return true
}

/** Writes what a run says to `decoded` at `to`, and gives where it ends. Block by block, because a run can be the whole text. */
function decodeRun(run: Buffer, decoded: Buffer, to: number): number {
  let at = to
  let rest = ''
  for (let from = 0; from < run.length; from += decodedAtOnce) {
    const read = run.toString('latin1', from, from + decodedAtOnce)
    const block = rest + (/[\r\n]/.test(read) ? read.replaceAll(/[\r\n]/g, '') : read)
    const end = from + decodedAtOnce < run.length ? block.length & ~3 : block.length
    at += decoded.write(block.slice(0, end), at, 'base64')
    rest = block.slice(end)
  }
  return at
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
