import type { IncomingMessage } from 'node:http'
import { Plaintext, SealpostError } from '../../kernel/index.ts'
import type { BodyForm } from '../../sealer/host/index.ts'
import type { Share } from './limits/bodies-in-flight.ts'
import { atPace } from './limits/pace.ts'

/**
 * The request's body, chunk by chunk, unparsed. Whoever takes a chunk wipes it. Throws `body_too_large` as soon as
 * the limit is passed, `body_incomplete` when the client goes away, `body_too_slow`, and what `share` throws. Leaves the connection
 * usable, so that the error can still be answered.
 */
export async function* readBody(
  request: IncomingMessage,
  limit: number,
  share: Share,
): AsyncGenerator<Plaintext> {
  if (announcedLength(request) > limit) throw new SealpostError('body_too_large')
  let size = 0
  try {
    const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
    for await (const chunk of atPace(chunks)) {
      size += chunk.length
      try {
        if (size > limit) throw new SealpostError('body_too_large')
        await share.take(chunk.length)
      } catch (error) {
        chunk.fill(0)
        throw error
      }
      yield new Plaintext(chunk)
    }
  } catch (error) {
    if (error instanceof SealpostError) throw error
    throw new SealpostError('body_incomplete') // The cause may hold what was read.
  }
}

/** What the client says that the body weighs; 0 when it does not say. */
export function announcedLength({ headers }: IncomingMessage): number {
  return Number(headers['content-length'] ?? 0)
}

/** RFC 2046 section 5.1.1, in quotes where the grammar of parameters asks for them, or without where it does not. */
const multipart =
  /^multipart\/form-data\s*;\s*boundary=(?:"([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])"|([\w'+.-]{1,70}))$/i

/**
 * How the body of a message is to be read, by its Content-Type. Throws `unsupported_media_type` and, for a body that was
 * compressed or says that it was not, `content_encoding_refused`: a body is taken as it is.
 */
export function bodyFormOf({ headers }: IncomingMessage): BodyForm {
  if (headers['content-encoding'] !== undefined) throw new SealpostError('content_encoding_refused')
  const type = headers['content-type'] ?? ''
  if (/^application\/json(?:\s*;\s*charset="?utf-8"?)?$/i.test(type)) return { type: 'json' }
  const [, quoted, bare] = multipart.exec(type) ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) throw new SealpostError('unsupported_media_type')
  return { type: 'multipart', boundary }
}
