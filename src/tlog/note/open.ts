import { verify } from 'node:crypto'
import { TlogError } from '../error.ts'
import { timeOfCosignature } from './cosignature.ts'
import type { NoteVerifier } from './key.ts'
import { isBy, type SignatureLine } from './line.ts'
import { splitNote } from './split.ts'

/** A signature that was verified. */
export interface NoteSignature {
  readonly verifier: NoteVerifier
  /** Of a cosignature: when, in seconds since 1970. */
  readonly time: number | undefined
}

export interface OpenedNote {
  /** What was signed, with its last newline. */
  readonly text: string
  /** At least one; of those of the verifiers that signed, in the order of the note, each once. */
  readonly signatures: readonly NoteSignature[]
}

/**
 * Gives the text of a note that at least one of these keys signed. Lines of other keys count for nothing. Throws
 * `note_malformed`, `signature_missing`, and `signature_wrong` when a line by one of the keys is not by it: C2SP signed-note, "Signatures".
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, lines } = splitNote(typeof note === 'string' ? note : decode(note))
  const signatures = verifiers.flatMap(verifier => {
    const [line] = lines.filter(signed => isBy(signed, verifier))
    return line === undefined ? [] : [{ at: lines.indexOf(line), ...check(text, line, verifier) }]
  })
  if (signatures.length === 0) throw new TlogError('signature_missing', 'by a key that is known')
  signatures.sort((a, b) => a.at - b.at)
  return { text, signatures: signatures.map(({ verifier, time }) => ({ verifier, time })) }
}

function check(text: string, { signature }: SignatureLine, verifier: NoteVerifier): NoteSignature {
  const time = timeOfCosignature(text, signature, verifier)
  const isGood =
    verifier.kind === 'note' ? verify(null, Buffer.from(text), verifier.key, signature) : time !== undefined
  if (!isGood) throw new TlogError('signature_wrong', 'by a key that is known')
  return { verifier, time }
}

function decode(note: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(note)
  } catch {
    throw new TlogError('note_malformed', 'not UTF-8')
  }
}
