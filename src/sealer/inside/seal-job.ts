import { createHmac } from 'node:crypto'
import type { PrivateKey } from 'openpgp'
import { systemClock } from '../../kernel/index.ts'
import type { MessageFacts, SealTarget, Task } from '../protocol.ts'
import { guardCardData } from './card-guard.ts'
import { say } from './channel.ts'
import { type Message, MessageRefused, parseMessage } from './parse-message.ts'
import { sealFor } from './seal.ts'

/** One message on the pipe. Larger pieces would be copied whole several times on their way. */
const pieceSize = 1024 * 1024

/** What a process has for all of its messages. */
export interface Means {
  readonly key: PrivateKey
  readonly fingerprintKey: Uint8Array
  readonly attachmentBytes: number
}

/** One message on its way through this process: received, parsed, announced, sealed for each target. */
export class SealJob {
  readonly #job: number
  readonly #task: Task
  readonly #means: Means
  #chunks: Uint8Array[] = []
  #size = 0
  #body: Uint8Array = new Uint8Array()
  #message: Message | undefined
  #abandoned = false

  constructor(job: number, task: Task, means: Means) {
    this.#job = job
    this.#task = task
    this.#means = means
  }

  add(chunk: Uint8Array): void {
    this.#size += chunk.length
    // The gateway counts, too; this bounds the process even if it forgot.
    if (this.#size > this.#means.attachmentBytes * 2 + (4 << 20)) throw new Error('body too large')
    this.#chunks.push(chunk)
  }

  /** The body is complete: answers with `metadata` or `refused`. `done`: nothing comes after that. */
  async parse(): Promise<'done' | 'waiting'> {
    this.#body = joinAndWipe(this.#chunks, this.#size)
    this.#chunks = []
    // Now, because parsing overwrites the body.
    const fingerprint = createHmac('sha256', this.#means.fingerprintKey).update(this.#body).digest('hex')
    let metadata: MessageFacts
    try {
      if (this.#task.form.type === 'multipart')
        throw new MessageRefused({ code: 'invalid_multipart', errors: [] })
      this.#message = parseMessage(this.#body)
      metadata = { ...this.#message.metadata, cards: guardCardData(this.#message), fingerprint }
    } catch (error) {
      if (!(error instanceof MessageRefused)) throw error
      this.wipe()
      await say({ type: 'refused', job: this.#job, refusal: error.refusal })
      return 'done'
    }
    await say({ type: 'metadata', job: this.#job, metadata })
    if (this.#task.purpose === 'seal') return 'waiting'
    this.wipe()
    return 'done'
  }

  /** Answers with `sealed` pieces, target after target. */
  async seal(targets: readonly SealTarget[]): Promise<void> {
    const message = this.#message
    if (message === undefined) throw new Error('nothing to seal')
    requireAllRecipients(message, targets)
    try {
      for (const [target, resolved] of targets.entries()) {
        for await (const piece of pieces(sealFor(message, resolved, this.#means.key, systemClock.now()))) {
          if (this.#abandoned) return
          await say({ type: 'sealed', job: this.#job, target, ...piece })
        }
      }
    } finally {
      this.wipe()
    }
  }

  abandon(): void {
    this.#abandoned = true
    this.wipe()
  }

  wipe(): void {
    for (const chunk of this.#chunks) chunk.fill(0)
    this.#chunks = []
    this.#body.fill(0)
    this.#body = new Uint8Array()
    this.#message = undefined
  }
}

/** All recipients or none, each once, in the message's own order; whatever the gateway resolved. */
function requireAllRecipients(message: Message, targets: readonly SealTarget[]): void {
  const { to } = message.metadata
  if (targets.length !== to.length || targets.some((target, i) => target.outer.to !== to[i])) {
    throw new Error('the targets are not the recipients')
  }
}

function joinAndWipe(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
    chunk.fill(0)
  }
  return body
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
