import { TlogError } from './error.ts'
import { hashLength } from './hash.ts'
import { decodeBase64 } from './note/key.ts'

/** A tree head: which log, how many leaves, and their root. */
export interface TreeHead {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** The text that is signed, C2SP tlog-checkpoint, "Note text": three lines, no extension. */
export function formatCheckpoint({ origin, size, root }: TreeHead): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
  parseCheckpoint(text)
  return text
}

/** The tree head of a checkpoint's text (see `openNote`). Extension lines are not looked at. Throws `checkpoint_malformed`. */
export function parseCheckpoint(text: string): TreeHead {
  const [, origin = '', digits = '', base64 = ''] =
    /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]+)\n(?:[^\n]+\n)*$/.exec(text) ?? []
  const root = decodeBase64(base64)
  const size = Number(digits)
  if (origin === '' || root?.length !== hashLength || !Number.isSafeInteger(size))
    throw new TlogError('checkpoint_malformed', 'its lines')
  return { origin, size, root }
}
