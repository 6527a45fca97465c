import { createHmac, type Hmac } from 'node:crypto'
import type { Task } from '../../protocol.ts'
import { maxAttachments } from './fields.ts'
import { Gathered } from './gather.ts'
import { Multipart } from './multipart.ts'
import { type Message, parseMessage, withAttachments } from './parse-message.ts'
import { type PartHeader, type PartNames, readPartHeader } from './part-header.ts'
import { multipartRefused, tooLarge, tooManyParts } from './refused.ts'

/** The body of a message while it comes. What `add` and `end` throw is a `MessageRefused`, or a defect. */
export interface BodyReader {
  /** One call at a time; the chunk is wiped when it resolves. */
  add(chunk: Uint8Array): void | Promise<void>
  end(): ReadBody | Promise<ReadBody>
  wipe(): void
}

export interface ReadBody {
  readonly message: Message
  /** HMAC-SHA-256, hex: the same for the same body; in multipart whatever the boundary is. */
  readonly fingerprint: string
}

export interface BodyLimits {
  readonly fingerprintKey: Uint8Array
  /** Of all attachments together, decoded, in bytes. */
  readonly attachmentBytes: number
}

/** What stands beside attachments: texts, names, framing. */
const besideAttachments = 4 * 1024 * 1024

export function openBody(task: Task, limits: BodyLimits): BodyReader {
  const { form } = task
  return form.type === 'json' ? new JsonBody(task, limits) : new MultipartBody(task, form.boundary, limits)
}

class JsonBody implements BodyReader {
  readonly #task: Task
  readonly #limits: BodyLimits
  readonly #body: Gathered

  constructor(task: Task, limits: BodyLimits) {
    this.#task = task
    this.#limits = limits
    this.#body = new Gathered(largestBody(limits))
  }

  add(chunk: Uint8Array): void {
    this.#body.add(chunk)
    chunk.fill(0)
  }

  end(): ReadBody {
    const body = this.#body.view()
    // Now, because parsing overwrites the body.
    const fingerprint = createHmac('sha256', this.#limits.fingerprintKey).update(body).digest('hex')
    const message = parseMessage(body, contentOf(this.#task))
    requireWithin(message, this.#limits)
    return { message, fingerprint }
  }

  wipe(): void {
    this.#body.wipe()
  }
}

interface Part extends PartNames {
  readonly start: number
  readonly end: number
}

/** First the part `message`, with JSON as the other form has it, then attachments as they are. */
class MultipartBody implements BodyReader {
  readonly #task: Task
  readonly #limits: BodyLimits
  readonly #json: Gathered
  readonly #attached: Gathered
  readonly #multipart: Multipart
  readonly #fingerprint: Hmac
  #message: Message | undefined
  #current: (PartNames & { readonly start: number }) | undefined
  readonly #parts: Part[] = []

  constructor(task: Task, boundary: string, limits: BodyLimits) {
    this.#task = task
    this.#limits = limits
    this.#json = new Gathered(largestBody(limits))
    this.#attached = new Gathered(limits.attachmentBytes)
    this.#multipart = new Multipart(boundary, {
      header: header => this.#begin(header),
      content: bytes => (this.#message === undefined ? this.#json : this.#attached).add(bytes),
      end: () => this.#close(),
    })
    // No JSON begins like this: the same bytes in the other form have another fingerprint.
    this.#fingerprint = createHmac('sha256', limits.fingerprintKey).update('multipart\0')
  }

  async add(chunk: Uint8Array): Promise<void> {
    try {
      await this.#multipart.write(chunk)
    } finally {
      chunk.fill(0)
    }
  }

  async end(): Promise<ReadBody> {
    await this.#multipart.end()
    if (this.#message === undefined) throw multipartRefused('message_first')
    const parts = this.#parts.map(({ filename, contentType, start, end }) => {
      const content = this.#attached.view(start, end)
      for (const field of [filename, contentType, content]) this.#mark(field ?? new Uint8Array())
      return { filename, contentType, content }
    })
    const message = withAttachments(this.#message, parts, contentOf(this.#task))
    requireWithin(message, this.#limits)
    return { message, fingerprint: this.#fingerprint.digest('hex') }
  }

  wipe(): void {
    this.#json.wipe()
    this.#attached.wipe()
  }

  #begin(header: PartHeader): void {
    const at =
      this.#message === undefined
        ? ''
        : `/attachments/${this.#message.attachments.length + this.#parts.length}`
    const names = readPartHeader(header, at)
    if ((names.name === 'message') !== (this.#message === undefined))
      throw multipartRefused('message_first', at)
    if (names.name === 'message' && !isJson(names.contentType)) throw multipartRefused('content_type')
    if (this.#parts.length === maxAttachments) throw tooManyParts()
    this.#current = { ...names, start: this.#attached.size }
  }

  /** What is wrong with the message itself is said now: nobody has to send attachments to hear of it. */
  #close(): void {
    const part = this.#current
    if (part?.name === 'attachment') this.#parts.push({ ...part, end: this.#attached.size })
    if (part?.name !== 'message') return
    const json = this.#json.view()
    this.#mark(json)
    this.#message = parseMessage(json, 'optional')
  }

  /** With its length, so that nothing can pass from one field to the next. */
  #mark(bytes: Uint8Array): void {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(bytes.length))
    this.#fingerprint.update(length).update(bytes)
  }
}

function contentOf({ purpose }: Task): 'required' | 'optional' {
  return purpose === 'seal' ? 'required' : 'optional'
}

function isJson(contentType: Uint8Array | undefined): boolean {
  return /^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i.test(
    Buffer.from(contentType ?? []).toString('latin1'),
  )
}

function largestBody({ attachmentBytes }: BodyLimits): number {
  return Math.ceil(attachmentBytes / 3) * 4 + besideAttachments
}

function requireWithin({ attachments }: Message, { attachmentBytes }: BodyLimits): void {
  if (attachments.reduce((sum, { content }) => sum + content.length, 0) > attachmentBytes) throw tooLarge()
}
