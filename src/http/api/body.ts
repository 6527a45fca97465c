import type { IncomingMessage } from 'node:http'
import { Plaintext, SealpostError } from '../../kernel/index.ts'
import type { BodyForm } from '../../sealer/host/index.ts'

/**
 * The request's body, chunk by chunk, unparsed. Whoever takes a chunk wipes it. Throws `body_too_large` as soon as
 * the limit is passed and `body_incomplete` when the client goes away or stalls. Leaves the connection usable, so
 * that the error can still be answered.
 */
export async function* readBody(request: IncomingMessage, limit: number): AsyncGenerator<Plaintext> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new SealpostError('body_too_large')
  let size = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) {
        chunk.fill(0)
        throw new SealpostError('body_too_large')
      }
      yield new Plaintext(chunk)
    }
  } catch (error) {
    if (error instanceof SealpostError) throw error
    throw new SealpostError('body_incomplete') // The cause may hold what was read.
  }
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
