import { errorCatalogue, SealpostError } from '../kernel/index.ts'

/** One line, or one JSON document, to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** An error with its code, the detail and what to do about it, to standard error. */
export function printError(error: unknown): void {
  if (!(error instanceof SealpostError)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return
  }
  const { title, remedy } = errorCatalogue[error.code]
  const detail = error.details.detail === undefined ? '' : ` ${error.details.detail}.`
  process.stderr.write(`${error.code}: ${title}${detail} ${remedy}\n`)
}

/**
 * Foreign text made inert for a terminal: control, format and other invisible characters show as `\u{…}`, so that a
 * name cannot move the cursor, hide a part of itself or reverse the line.
 */
export function inert(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
