import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/**
 * Calls `changed` after the content of any of these files has become another and then held still for one interval:
 * a certificate and its key are seldom replaced in one instant. By content, so that links and mounts that are swapped
 * are noticed too. A file that is missing for a while counts as a content.
 *
 * @param interval milliseconds
 * @returns ends it
 */
export function watchFiles(paths: readonly string[], interval: number, changed: () => void): () => void {
  // At once, so that nothing that changes from now on is missed.
  let told = paths.map(path => digestOr(() => readFileSync(path))).join()
  let last: string | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    const now = await digestOf(paths)
    if (ended) return
    if (now !== told && now === last) {
      told = now
      changed()
    }
    last = now
    timer = setTimeout(() => void look(), interval).unref()
  }
  void look()
  return () => {
    ended = true
    clearTimeout(timer)
  }
}

async function digestOf(paths: readonly string[]): Promise<string> {
  const contents = await Promise.all(paths.map(path => readFile(path).catch(() => undefined)))
  return contents.map(content => digestOr(() => content)).join()
}

function digestOr(read: () => Buffer | undefined): string {
  try {
    const content = read()
    return content === undefined ? 'unreadable' : createHash('sha256').update(content).digest('hex')
  } catch {
    return 'unreadable'
  }
}
