import { createHash } from 'node:crypto'
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
  let told: string | undefined
  let last: string | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const look = async (): Promise<void> => {
    const now = await digestOf(paths)
    if (ended) return
    told ??= now
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
  const digests = await Promise.all(
    paths.map(path =>
      readFile(path).then(
        content => createHash('sha256').update(content).digest('hex'),
        () => 'unreadable',
      ),
    ),
  )
  return digests.join()
}
