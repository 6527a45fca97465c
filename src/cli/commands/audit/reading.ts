import { readFileSync } from 'node:fs'
import { SealpostError } from '../../../kernel/index.ts'
import { type NoteVerifier, parseVerifier, TlogError } from '../../../tlog/index.ts'

/** A key as its line, or a file with that line. Throws `usage`. */
export function verifierKey(text: string): NoteVerifier {
  const line = text.includes('+') ? text : reading(() => readFileSync(text, 'utf8')).trimEnd()
  try {
    return parseVerifier(line)
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    throw new SealpostError('usage', { detail: 'a verifier key is a line name+id+base64, or a file with it' })
  }
}

/** What the file system refuses is a wrong call, not a wrong log. */
export function reading<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    throw new SealpostError('usage', { detail: `a file or directory cannot be read (${String(error.code)})` })
  }
}
