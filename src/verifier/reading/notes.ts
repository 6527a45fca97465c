import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type NoteVerifier, openNote, parseCheckpoint, TlogError, type TreeHead } from '../../tlog/index.ts'
import type { Find, Report } from '../report.ts'
import { namesIn, readSmallFile } from './files.ts'

/** No note of a log is longer. */
const longestNote = 65_536

/** A signed note, and where it is from. */
export interface Note {
  readonly where: string
  readonly note: string
}

/** What the log signed that its tree was at a size. */
export interface SignedHead extends Note, TreeHead {}

/** The notes of a file, or of the files in a directory and below. What is no file, or too long for a note, is an empty one. */
export function* readNotes(path: string): Generator<Note> {
  if (!lstatSync(path).isDirectory()) yield readNote(path) ?? { where: path, note: '' }
  else for (const name of namesIn(path)) yield* readNotes(join(path, name))
}

export function readNote(path: string): Note | undefined {
  const octets = readSmallFile(path, longestNote)
  return octets && { where: path, note: octets.toString() }
}

/** The tree that a note is about, if one of the log's keys signed it; else a finding. */
export function openHead(note: Note, keys: readonly NoteVerifier[], find: Find): SignedHead | undefined {
  try {
    const { text, signatures } = openNote(note.note, keys)
    const head = parseCheckpoint(text)
    // The name of a log's key is the log's.
    const isLogs = signatures.some(
      ({ verifier }) => verifier.kind === 'note' && verifier.name === head.origin,
    )
    if (isLogs && head.size > 0) return { ...note, ...head }
    find(isLogs ? 'checkpoint_malformed' : 'signature_missing', note.where)
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    const { code } = error
    find(
      code === 'signature_missing' || code === 'signature_wrong' ? code : 'checkpoint_malformed',
      note.where,
    )
  }
  return undefined
}

/** Of the trees that a witness cosigned, the largest. */
export function largestCosigned(
  witness: NoteVerifier,
  heads: readonly SignedHead[],
): Report['witnessed'][number] | undefined {
  return heads
    .flatMap(({ note, size }) => {
      const time = timeOf(note, witness)
      return time === undefined ? [] : [{ witness: witness.name, size, time }]
    })
    .sort((a, b) => b.size - a.size)[0]
}

function timeOf(note: string, witness: NoteVerifier): number | undefined {
  try {
    return openNote(note, [witness]).signatures[0]?.time
  } catch (error) {
    if (error instanceof TlogError) return undefined
    throw error
  }
}
