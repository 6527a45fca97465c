import type { Request } from 'express'
import { SealpostError } from '../../kernel/index.ts'

/** The whole body, at most `limit` bytes of it. Throws `content_encoding_refused`, `body_too_large`, `body_incomplete`. */
export async function readAll(request: Request, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bounded(request, limit)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The body chunk by chunk, likewise. Leaves the connection usable, so that the error can still be answered. */
export async function* bounded(request: Request, limit: number): AsyncGenerator<Buffer> {
  if (request.headers['content-encoding'] !== undefined) throw new SealpostError('content_encoding_refused')
  let size = 0
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new SealpostError('body_too_large')
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw new SealpostError('body_too_large')
      yield chunk
    }
  } catch (error) {
    if (error instanceof SealpostError) throw error
    throw new SealpostError('body_incomplete')
  }
}
