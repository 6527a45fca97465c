import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

/** Longer lines are no events. */
const longestLine = 1 << 20

/** A regular file of at most `longest` octets; undefined when there is none. A link is none: a directory is what lies in it. */
export function readSmallFile(path: string, longest: number): Buffer | undefined {
  const file = openFile(path)
  if (file === undefined) return undefined
  try {
    return fstatSync(file).size > longest ? undefined : readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** Names in a directory in the order of their octets; none when there is no such directory. */
export function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** The lines of a file without their newlines; the last one with `whole` false when it has none, or is too long to go on. */
export function* linesOf(path: string): Generator<{ readonly line: Buffer; readonly whole: boolean }> {
  const file = openFile(path)
  if (file === undefined) {
    yield { line: Buffer.alloc(0), whole: false }
    return
  }
  try {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.allocUnsafe(longestLine)
      const length = readSync(file, chunk, 0, chunk.length, null)
      const text = Buffer.concat([rest, chunk.subarray(0, length)])
      let start = 0
      for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
        yield { line: text.subarray(start, end), whole: true }
        start = end + 1
      }
      rest = text.subarray(start)
      if (length === 0 || rest.length > longestLine) break
    }
    if (rest.length > 0) yield { line: rest, whole: false }
  } finally {
    closeSync(file)
  }
}

function openFile(path: string): number | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (fstatSync(file).isFile()) return file
    closeSync(file)
    return undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Not there, a link, or below something that is no directory. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(ENOENT|ELOOP|ENOTDIR|ENXIO)$/.test(String(error.code))
  )
}
