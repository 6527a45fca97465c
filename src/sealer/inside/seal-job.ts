import type { PrivateKey } from 'openpgp'
import { systemClock } from '../../kernel/index.ts'
import type { SealTarget, Task } from '../protocol.ts'
import type { Message } from './body/parse-message.ts'
import { type BodyLimits, type BodyReader, openBody } from './body/read-body.ts'
import { MessageRefused } from './body/refused.ts'
import { guardCardData } from './card-guard.ts'
import { say } from './channel.ts'
import { sealFor } from './openpgp/seal.ts'
import { prepare, wipeContent } from './prepare.ts'

/** One message on the pipe. Larger pieces would be copied whole several times on their way. */
const pieceSize = 1024 * 1024

/** What a process has for all of its messages. */
export interface Means extends BodyLimits {
  readonly key: PrivateKey
}

/** One message on its way through this process: received, parsed, announced, sealed for each target. */
export class SealJob {
  readonly #job: number
  readonly #task: Task
  readonly #key: PrivateKey
  readonly #body: BodyReader
  #turn: Promise<unknown> = Promise.resolve()
  #message: Message | undefined
  #over = false

  constructor(job: number, task: Task, means: Means) {
    this.#job = job
    this.#task = task
    this.#key = means.key
    this.#body = openBody(task, means)
  }

  /**
   * Takes the next piece of the body, in turn. Answers with `refused` as soon as that is known, or with `metadata` after the last
   * piece. `over`: nothing comes after this answer.
   */
  take(chunk: Uint8Array, last: boolean): Promise<'over' | 'open'> {
    const turn = this.#turn.then(() => this.#take(chunk, last))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #take(chunk: Uint8Array, last: boolean): Promise<'over' | 'open'> {
    try {
      if (this.#over) return 'over'
      await this.#body.add(chunk)
      if (last && !this.#isOver()) await this.#announce()
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error
      this.wipe()
      await say({ type: 'refused', job: this.#job, refusal: error.refusal })
    } finally {
      chunk.fill(0)
    }
    return this.#over ? 'over' : 'open'
  }

  async #announce(): Promise<void> {
    const { message, fingerprint } = await this.#body.end()
    if (this.#isOver()) return
    const cards = await guardCardData(message)
    if (this.#isOver()) return
    this.#message = prepare(message)
    const { metadata } = message
    if (this.#task.purpose === 'check') this.wipe()
    const hasContent = [message.text, message.html, message.attachments[0]].some(part => part !== undefined)
    await say({ type: 'metadata', job: this.#job, metadata: { ...metadata, hasContent, cards, fingerprint } })
  }

  /** Answers with `sealed` pieces, target after target. */
  async seal(targets: readonly SealTarget[]): Promise<void> {
    const message = this.#message
    if (message === undefined) throw new Error('nothing to seal')
    requireAllRecipients(message, targets)
    try {
      for (const [target, resolved] of targets.entries()) {
        for await (const piece of pieces(sealFor(message, resolved, this.#key, systemClock.now()))) {
          if (this.#isOver()) return
          await say({ type: 'sealed', job: this.#job, target, ...piece })
        }
      }
    } finally {
      this.wipe()
    }
  }

  wipe(): void {
    this.#over = true
    if (this.#message !== undefined) wipeContent(this.#message)
    this.#message = undefined
    this.#body.wipe()
  }

  /** Asked after each wait: it may have been abandoned meanwhile. */
  #isOver(): boolean {
    return this.#over
  }
}

/** All recipients or none, each once, in the message's own order; whatever the gateway resolved. */
function requireAllRecipients(message: Message, targets: readonly SealTarget[]): void {
  const { to } = message.metadata
  if (targets.length !== to.length || targets.some((target, i) => target.outer.to !== to[i])) {
    throw new Error('the targets are not the recipients')
  }
}

/** Gathers small blocks into pieces worth a message, and marks the last. */
async function* pieces(
  blocks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ piece: Uint8Array; last: boolean }> {
  let waiting: Uint8Array[] = []
  let size = 0
  for await (const block of blocks) {
    if (size > 0 && size + block.length > pieceSize) {
      yield { piece: Buffer.concat(waiting, size), last: false }
      waiting = []
      size = 0
    }
    waiting.push(block)
    size += block.length
  }
  const [only] = waiting
  yield {
    piece: only !== undefined && waiting.length === 1 ? only : Buffer.concat(waiting, size),
    last: true,
  }
}
