import { scrubPans } from '../../kernel/index.ts'
import { SessionFailure } from './failure.ts'

/** One reply of a server, all its lines. Texts are bytes as Latin-1, without code and line end. */
export interface Reply {
  readonly code: number
  readonly lines: readonly string[]
}

// RFC 5321 section 4.5.3.1.5 allows 512 bytes a line; some servers take more. The other two are ours.
const maxLine = 1000
const maxLines = 100
const maxReply = 16_384

// Section 4.2: Reply-code is %x32-35 %x30-35 %x30-39, textstring is tab and printable ASCII. Bytes from 0x80 are let
// through, as servers greet in their own language; controls never.
const form = /^([2-5][0-5][0-9])(?:([ -])([\t\x20-\x7e\x80-\xff]*))?$/

/** Reads replies, exactly as RFC 5321 writes them, in bounded memory. */
export class ReplyReader {
  #rest = ''
  #code: string | undefined
  #lines: string[] = []
  #size = 0

  /** The replies that this chunk completes. Throws a {@link SessionFailure}, `protocol_violation`. */
  push(chunk: Buffer): readonly Reply[] {
    const text = this.#rest + chunk.toString('latin1')
    const replies: Reply[] = []
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const reply = this.#line(text.slice(start, end + 1))
      if (reply !== undefined) replies.push(reply)
      start = end + 1
    }
    this.#rest = text.slice(start)
    if (this.#rest.length >= maxLine) throw new SessionFailure('protocol_violation')
    return replies
  }

  #line(line: string): Reply | undefined {
    this.#size += line.length
    const [, code, separator, text = ''] = (line.endsWith('\r\n') && form.exec(line.slice(0, -2))) || []
    const sound =
      code !== undefined &&
      line.length <= maxLine &&
      this.#size <= maxReply &&
      this.#lines.length < maxLines &&
      (this.#code === undefined || this.#code === code)
    if (!sound) throw new SessionFailure('protocol_violation')

    this.#lines.push(text)
    this.#code = code
    if (separator === '-') return undefined
    const reply = { code: Number(code), lines: this.#lines }
    this.#code = undefined
    this.#lines = []
    this.#size = 0
    return reply
  }
}

/**
 * A reply for the record: one line, whatever is not printable ASCII escaped as `\xNN`, what looks like a card number
 * replaced (a server may echo what it was sent), at most 512 characters.
 */
export function replyText({ code, lines }: Reply): string {
  return `${code} ${scrubPans(lines.join(' '))}`
    .replace(/[^\x20-\x7e]/g, byte => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .trimEnd()
    .slice(0, 512)
}
