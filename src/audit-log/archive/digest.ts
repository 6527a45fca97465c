import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** SHA-256 (hex) of the files of events, one after the other in the order of their names: `cat events/* | sha256sum`. */
export async function digestOfEvents(directory: string): Promise<string> {
  const events = join(directory, 'events')
  const hash = createHash('sha256')
  for (const name of (await readdir(events)).sort())
    for await (const chunk of createReadStream(join(events, name))) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
