import { sign } from 'node:crypto'
import { TlogError } from '../error.ts'
import type { NoteSigner } from './key.ts'
import { formatLine } from './line.ts'
import { isClean } from './split.ts'

/**
 * The note of a text and a signature of it: C2SP signed-note. Throws `note_malformed` for a text that does not end in a newline
 * or has control characters, `key_malformed` for a cosigner's key, which signs something else.
 */
export function signNote(text: string, { verifier, key }: NoteSigner): string {
  if (!text.endsWith('\n') || !isClean(text)) throw new TlogError('note_malformed', 'its text')
  if (verifier.kind !== 'note') throw new TlogError('key_malformed', 'a cosigner')
  return `${text}\n${formatLine(verifier, sign(null, Buffer.from(text), key))}`
}
