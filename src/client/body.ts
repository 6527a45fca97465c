import { randomUUID } from 'node:crypto'
import { SealpostApiError } from './error.ts'
import type { Attachment, SubmitMessage } from './types.ts'
import type { Body } from './wire.ts'

/** An attachment as an application has it. */
export interface OutgoingAttachment extends Omit<Attachment, 'content'> {
  /**
   * Base64 as text, octets, a `Blob` (`await openAsBlob(path)` of `node:fs` for a file), or a stream. Blobs and streams are
   * read while they are sent, so they may be large. A stream can be read once, so a message with one is not tried again.
   */
  readonly content: string | Uint8Array | Blob | AsyncIterable<Uint8Array>
}

interface Outgoing {
  readonly attachments?: readonly OutgoingAttachment[] | undefined
  readonly expiresAt?: string | Date | undefined
}

/** What `send` takes. */
export type OutgoingMessage = Omit<SubmitMessage, keyof Outgoing> & Outgoing

/** The body of a message: JSON, or multipart/form-data when an attachment is not text anyway. */
export function bodyOf(message: Outgoing): Body {
  const { attachments = [], ...rest } = message
  return attachments.every(({ content }) => typeof content === 'string')
    ? whole('application/json', Buffer.from(JSON.stringify(message)))
    : multipart(rest, attachments)
}

function whole(type: string, octets: Uint8Array): Body {
  return { type, length: octets.length, open: () => [octets], again: () => true }
}

interface Part {
  readonly head: Buffer
  readonly length: number | undefined
  open(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

/** RFC 7578: the message without its attachments first, then each attachment, in their order. */
function multipart(message: object, attachments: readonly OutgoingAttachment[]): Body {
  const boundary = `sealpost-${randomUUID()}`
  const json = Buffer.from(JSON.stringify(message))
  const head = (disposition: string, type: string): Buffer =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\nContent-Type: ${type}\r\n\r\n`,
    )
  const parts: readonly Part[] = [
    { head: head('name="message"', 'application/json'), length: json.length, open: () => [json] },
    ...attachments.map(({ filename, contentType, content }, index) => {
      // What browsers write for quotes and line ends is read as these; a name that has it itself cannot be told.
      if (/[\u0000-\u001f\u007f]|%(?:22|0[AD])/i.test(filename)) throw invalid(index, 'filename')
      if (!/^[\u0021-\u007e]+$/.test(contentType)) throw invalid(index, 'contentType')
      return {
        head: head(`name="attachment"; filename="${filename.replace(/["\\]/g, '\\$&')}"`, contentType),
        ...source(content, index),
      }
    }),
  ]
  const end = Buffer.from(`--${boundary}--\r\n`)
  const lineEnd = Buffer.from('\r\n')
  const once = attachments.some(({ content }) => isStream(content))
  let begun = false
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    length: parts.reduce<number | undefined>(
      (sum, part) =>
        sum === undefined || part.length === undefined ? undefined : sum + part.head.length + part.length + 2,
      end.length,
    ),
    async *open() {
      begun = true
      for (const part of parts) {
        yield part.head
        yield* part.open()
        yield lineEnd
      }
      yield end
    },
    again: () => !(once && begun),
  }
}

function source(content: OutgoingAttachment['content'], index: number): Omit<Part, 'head'> {
  if (content instanceof Blob) return { length: content.size, open: () => content.stream() }
  if (isStream(content)) return { length: undefined, open: () => content }
  const octets = typeof content === 'string' ? Buffer.from(content, 'base64') : content
  // Node skips what is not base64; the gateway does not.
  if (typeof content === 'string' && Buffer.from(octets).toString('base64') !== content)
    throw invalid(index, 'content')
  return { length: octets.length, open: () => [octets] }
}

function isStream(content: OutgoingAttachment['content']): content is AsyncIterable<Uint8Array> {
  return typeof content === 'object' && Symbol.asyncIterator in content
}

function invalid(index: number, field: string): SealpostApiError {
  return new SealpostApiError('invalid_attachment', {
    errors: [{ pointer: `/attachments/${index}/${field}`, code: 'invalid_attachment' }],
  })
}
