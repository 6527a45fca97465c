import type { Request } from 'express'
import { SealpostError } from '../../kernel/index.ts'
import { readParts } from './multipart.ts'
import { readAll } from './read-all.ts'

/** One byte more than a certificate may have: whoever judges it still sees that it is too large. */
const mostOfOne = 64 * 1024 + 1
/** Of a whole body. More is not even read. */
const mostOfAll = 512 * 1024

/** What a form said. Whatever it repeated, or said under a name of more than 64 characters, is refused. */
export interface Form {
  /** A field's text, cut after 64 KiB and one byte; '' when it was not sent. */
  text(name: string): string
  /** A file's content, cut likewise; undefined when none was chosen. Its name is never looked at. */
  file(name: string): Buffer | undefined
  /** Overwrites the files. */
  wipe(): void
}

/** Reads a form of either encoding. Throws `unsupported_media_type`, `body_too_large`, `body_incomplete`, `request_refused`. */
export async function readForm(request: Request): Promise<Form> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  const texts = new Map<string, string>()
  const files = new Map<string, Buffer>()
  const once = (map: ReadonlyMap<string, unknown>, name: string): void => {
    if (map.has(name) || name.length > 64) throw new SealpostError('request_refused')
  }
  if (type === 'application/x-www-form-urlencoded') {
    for (const [name, text] of new URLSearchParams((await readAll(request, mostOfAll)).toString('utf8'))) {
      once(texts, name)
      texts.set(name, text.slice(0, mostOfOne))
    }
  } else if (type === 'multipart/form-data') {
    await readParts(
      request,
      {
        text(name, text) {
          once(texts, name)
          texts.set(name, text)
        },
        file(name, content) {
          once(files, name)
          files.set(name, content)
        },
      },
      { most: mostOfOne, inAll: mostOfAll },
    )
  } else throw new SealpostError('unsupported_media_type')

  return {
    text: name => texts.get(name) ?? '',
    file: name => files.get(name),
    wipe() {
      for (const content of files.values()) content.fill(0)
    },
  }
}
