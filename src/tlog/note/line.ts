import { TlogError } from '../error.ts'
import { decodeBase64, isKeyName, type NoteVerifier } from './key.ts'

/** A signature as a line of a note has it; nothing of it is verified. */
export interface SignatureLine {
  readonly name: string
  readonly id: number
  readonly signature: Uint8Array
}

/** `— <name> <base64 of id and signature>`, with the newline: C2SP signed-note, "Format". */
export function formatLine({ name, id }: NoteVerifier, signature: Uint8Array): string {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(id)
  return `— ${name} ${Buffer.concat([head, signature]).toString('base64')}\n`
}

/** Of a line without its newline. Throws `note_malformed`. */
export function parseLine(line: string): SignatureLine {
  const [, name = '', base64 = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? []
  const bytes = decodeBase64(base64)
  if (!isKeyName(name) || bytes === undefined || bytes.length < 5)
    throw new TlogError('note_malformed', 'a signature line')
  return { name, id: bytes.readUInt32BE(0), signature: bytes.subarray(4) }
}

/** Whether a line says that it is by this key. */
export function isBy({ name, id }: SignatureLine, verifier: NoteVerifier): boolean {
  return name === verifier.name && id === verifier.id
}
