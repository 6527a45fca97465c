import { Dicer } from '@fastify/busboy'
import type { PartHeader } from './part-header.ts'
import { multipartRefused } from './refused.ts'

/** Who takes what is in the parts, in their order. What it throws ends the reading. */
export interface PartTaker {
  header(header: PartHeader): void
  content(bytes: Uint8Array): void
  end(): void
}

/** What came of a part and was not handed on yet. */
interface Part {
  header: PartHeader | undefined
  begun: boolean
  pieces: Uint8Array[]
  ended: boolean
}

/**
 * Cuts a body of multipart/form-data into its parts while it comes. Of @fastify/busboy only what finds boundaries is used: its
 * reader of forms leaves out, silently, every part whose header it does not understand. Here each part has its header, its
 * content and its end, or the body is refused. What stands before the first boundary and behind the last is ignored (RFC 2046
 * section 5.1.1).
 */
export class Multipart {
  readonly #dicer: Dicer
  readonly #taker: PartTaker
  readonly #parts: Part[] = []
  #broken = false
  #finished = false

  constructor(boundary: string, taker: PartTaker) {
    this.#taker = taker
    this.#dicer = new Dicer(withoutPauses(boundary))
    this.#dicer.on('part', stream => this.#follow(stream))
    this.#dicer.on('finish', () => {
      this.#finished = true
    })
    this.#dicer.on('error', () => {
      this.#broken = true
    })
  }

  /** One call at a time. When it resolves, all that the chunk holds was taken, and it can be wiped. */
  async write(chunk: Uint8Array): Promise<void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (!this.#finished) this.#dicer.write(bytes)
    await this.#handOn()
  }

  async end(): Promise<void> {
    if (!this.#finished) this.#dicer.end()
    await this.#handOn()
    if (this.#broken || !this.#finished) throw multipartRefused('truncated')
  }

  #follow(stream: Dicer.PartStream): void {
    const part: Part = { header: undefined, begun: false, pieces: [], ended: false }
    this.#parts.push(part)
    stream.on('header', header => {
      part.header = header as PartHeader
    })
    stream.on('data', (bytes: Uint8Array) => {
      // A view of the chunk; or of the buffer in which the splitter keeps what may begin a boundary, and which it uses again: but
      // whatever it keeps there is the same beginning.
      part.pieces.push(bytes)
    })
    stream.on('end', () => {
      part.ended = true
    })
    // The splitter says so itself as well; without a listener it would end the process.
    stream.on('error', () => {
      this.#broken = true
    })
  }

  /** Each part is a stream of its own, with turns of its own: what they say comes in order only here. */
  async #handOn(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      if (part.header !== undefined && !part.begun) {
        part.begun = true
        this.#taker.header(part.header)
      }
      for (const piece of part.pieces.splice(0)) this.#taker.content(piece)
      if (!part.ended) return
      if (!part.begun) throw multipartRefused(this.#broken ? 'truncated' : 'syntax')
      this.#taker.end()
      this.#parts.shift()
    }
  }
}

/**
 * A part that holds more than this waits for its reader: then the splitter waits, too, and forever if the part was the last
 * (3.2.6). Here everything is read in the next turn.
 */
function withoutPauses(boundary: string): Dicer.Config {
  const config = { boundary, partHwm: Number.MAX_SAFE_INTEGER }
  return config
}
