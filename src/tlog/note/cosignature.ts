import { sign, verify } from 'node:crypto'
import { TlogError } from '../error.ts'
import type { NoteSigner, NoteVerifier } from './key.ts'
import { formatLine, isBy, parseLine } from './line.ts'
import { textOfNote } from './split.ts'

/**
 * The line, with its newline, by which a cosigner says that at `time` (seconds since 1970) this was the largest checkpoint of
 * its log that it had seen, and that the log had only grown: C2SP tlog-cosignature, "Ed25519 signed message". It belongs at the
 * end of the note.
 *
 * @param note the whole checkpoint, signed: what other signatures it has does not matter. Throws `note_malformed`,
 * `key_malformed` when the key is no cosigner's.
 */
export function cosign(note: string, time: number, { verifier, key }: NoteSigner): string {
  if (verifier.kind !== 'cosignature') throw new TlogError('key_malformed', 'not a cosigner')
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(time))
  return formatLine(verifier, Buffer.concat([head, sign(null, messageOf(textOfNote(note), time), key)]))
}

/** The time of such a line if it is by this cosigner and about this checkpoint; else undefined. Never throws. */
export function verifyCosignature(line: string, note: string, verifier: NoteVerifier): number | undefined {
  try {
    const parsed = parseLine(line.replace(/\n$/, ''))
    return isBy(parsed, verifier)
      ? timeOfCosignature(textOfNote(note), parsed.signature, verifier)
      : undefined
  } catch (error) {
    if (error instanceof TlogError) return undefined
    throw error
  }
}

/** Of a `timestamped_signature`, if it is one of this text by this cosigner. */
export function timeOfCosignature(
  text: string,
  signature: Uint8Array,
  { kind, key }: NoteVerifier,
): number | undefined {
  if (kind !== 'cosignature' || signature.length !== 72) return undefined
  const time = Number(Buffer.from(signature).readBigUInt64BE(0))
  if (!Number.isSafeInteger(time)) return undefined
  return verify(null, messageOf(text, time), key, signature.subarray(8)) ? time : undefined
}

function messageOf(text: string, time: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
}
