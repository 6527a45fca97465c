import { TlogError } from '../error.ts'
import { parseLine, type SignatureLine } from './line.ts'

// C2SP signed-note asks for 16 at least.
const mostSignatures = 64
const mostOctets = 64 * 1024

/** Takes a note apart at its last empty line, verifying nothing: C2SP signed-note, "Format". Throws `note_malformed`. */
export function splitNote(note: string): { readonly text: string; readonly lines: readonly SignatureLine[] } {
  const at = note.lastIndexOf('\n\n')
  const signed = note.slice(at + 2)
  if (note.length > mostOctets || at < 0 || !signed.endsWith('\n') || !isClean(note))
    throw new TlogError('note_malformed', 'its form')
  const lines = signed.slice(0, -1).split('\n')
  if (lines.length > mostSignatures) throw new TlogError('note_malformed', 'too many signatures')
  return { text: note.slice(0, at + 1), lines: lines.map(parseLine) }
}

/** What is signed of a note. Throws `note_malformed`. */
export function textOfNote(note: string): string {
  return splitNote(note).text
}

/** A string of Unicode without control characters but newlines. */
export function isClean(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that C2SP signed-note forbids.
  return text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text)
}
