import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { Request } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { bounded } from './read-all.ts'

/** Where the parts go; what it throws ends the reading. */
export interface Parts {
  text(name: string, text: string): void
  file(name: string, content: Buffer): void
}

/** In bytes. */
interface PartLimits {
  readonly most: number
  readonly inAll: number
}

/**
 * Reads multipart/form-data (RFC 7578) as it comes, nothing of it to a disk. Each text and each file is cut after
 * `most` bytes. Throws `request_refused`, and what {@link bounded} and `parts` throw.
 */
export async function readParts(request: Request, parts: Parts, { most, inAll }: PartLimits): Promise<void> {
  const reader = openReader(request, most)
  const done = new Promise<void>((resolve, reject) => {
    const guarded = (task: () => void) => {
      try {
        task()
      } catch (error) {
        reject(asRefusal(error))
      }
    }
    reader.on('field', (name, text) => guarded(() => parts.text(name, text)))
    reader.on('file', (name, stream, filename: string | undefined) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', () => reject(new SealpostError('request_refused')))
      stream.on('end', () =>
        guarded(() => {
          const content = Buffer.concat(chunks)
          for (const chunk of chunks) chunk.fill(0)
          // A file input that nobody touched is sent too: empty, without a name.
          if (content.length > 0 || (filename ?? '') !== '') parts.file(name, content)
        }),
      )
    })
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
      reader.on(limit, () => reject(new SealpostError('request_refused')))
    }
    reader.on('error', () => reject(new SealpostError('request_refused')))
    reader.on('finish', resolve)
  })
  const fed = feed(request, reader, inAll)
  // Whichever fails first is what the client is told; the other is then of no interest.
  done.catch(() => undefined)
  await Promise.race([fed.then(() => done), done])
}

async function feed(request: Request, reader: BusboyInstance, inAll: number): Promise<void> {
  for await (const chunk of bounded(request, inAll)) reader.write(chunk)
  reader.end()
}

function openReader(request: Request, most: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': request.headers['content-type'] ?? '' },
      limits: {
        fieldNameSize: 64,
        fieldSize: most,
        fields: 20,
        fileSize: most,
        files: 2,
        parts: 22,
        headerPairs: 20,
        headerSize: 4096,
      },
    })
  } catch {
    throw new SealpostError('request_refused')
  }
}

function asRefusal(error: unknown): SealpostError {
  return error instanceof SealpostError ? error : new SealpostError('request_refused')
}
