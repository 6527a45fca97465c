import { randomBytes } from 'node:crypto'
import type { OuterHeaders } from '../../protocol.ts'
import type { Attachment } from '../body/fields.ts'
import type { Message } from '../body/parse-message.ts'
import { encodeBase64 } from './base64.ts'
import { encodeFilename, encodeSubject } from './header.ts'

/**
 * The cleartext MIME entity for one recipient, in blocks, made while it is read: a large body is never held a
 * second time. ASCII and CRLF only.
 *
 * Header protection is RFC 9788 with confidentiality (`hp="cipher"`): the real header fields stand on this entity,
 * and one HP-Outer field mirrors each that the outer message shows. `protected-headers="v1"` is for readers older
 * than the RFC. To names this recipient only, for co-recipients are none of its business.
 *
 * There is no legacy display element (RFC 9788 section 5.2.2): it would put a copy of the subject into the body, and
 * what an application hands over is what its recipient reads, byte for byte. The price: a reader that knows no
 * header protection at all shows `[...]` as the subject.
 */
export function* composeMime(message: Message, outer: OuterHeaders): Generator<Uint8Array> {
  const root = entityOf(message)
  const headers = [
    `From: ${message.metadata.from}`,
    `To: ${outer.to}`,
    `Date: ${outer.date}`,
    `Message-ID: ${outer.messageId}`,
    ...(message.metadata.replyTo === undefined ? [] : [`Reply-To: ${message.metadata.replyTo}`]),
    `Subject: ${encodeSubject(message.subject)}`,
    `HP-Outer: From: ${outer.from}`,
    `HP-Outer: To: ${outer.to}`,
    `HP-Outer: Date: ${outer.date}`,
    `HP-Outer: Message-ID: ${outer.messageId}`,
    'HP-Outer: Subject: [...]',
    'MIME-Version: 1.0',
    `Content-Type: ${root.type};\r\n hp="cipher"; protected-headers="v1"`,
    ...root.headers,
  ]
  yield ascii(`${headers.join('\r\n')}\r\n\r\n`)
  yield* root.body()
}

interface Entity {
  readonly type: string
  readonly headers: readonly string[]
  readonly body: () => Iterable<Uint8Array>
}

function entityOf(message: Message): Entity {
  const texts: Entity[] = []
  if (message.text !== undefined) texts.push(textEntity('text/plain', message.text))
  if (message.html !== undefined) texts.push(textEntity('text/html', message.html))
  const [first, second] = texts
  const readable = first && second ? multipart('multipart/alternative', [first, second]) : first
  if (readable && message.attachments.length === 0) return readable
  const attachments = message.attachments.map(attachmentEntity)
  return multipart('multipart/mixed', readable ? [readable, ...attachments] : attachments)
}

/**
 * A text part, in base64 over the bytes as submitted. RFC 2045 section 6.8 wants line breaks made CRLF before
 * encoding; we leave them, because then nothing would tell `\n` from `\r\n`, and readers show both alike.
 */
function textEntity(type: string, utf8: Uint8Array): Entity {
  return {
    type: `${type}; charset=utf-8`,
    headers: ['Content-Transfer-Encoding: base64'],
    body: () => encodeBase64(utf8),
  }
}

function attachmentEntity(attachment: Attachment): Entity {
  return {
    type: attachment.contentType,
    headers: [
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment${encodeFilename(attachment.filename)}`,
    ],
    body: () => encodeBase64(attachment.content),
  }
}

function multipart(type: string, parts: readonly Entity[]): Entity {
  // Random, thus in no content; and 0x3d cannot begin a line of base64.
  const boundary = `=_${randomBytes(18).toString('base64url')}`
  return {
    type: `${type};\r\n boundary="${boundary}"`,
    headers: [],
    *body() {
      for (const part of parts) {
        const headers = [`Content-Type: ${part.type}`, ...part.headers]
        yield ascii(`--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`)
        yield* part.body()
        yield ascii('\r\n')
      }
      yield ascii(`--${boundary}--\r\n`)
    },
  }
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
