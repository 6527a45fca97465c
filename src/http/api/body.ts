import type { IncomingMessage } from 'node:http'
import { Plaintext, SealpostError } from '../../kernel/index.ts'

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
