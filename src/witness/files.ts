import { randomBytes } from 'node:crypto'
import { link, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** How far a file has come on its way to the disk; tests end the process there. */
export type Step = 'written' | 'linked' | 'durable'

const isTemporary = /^\.[0-9a-f]{16}$/

/**
 * Makes a file with this content, whole and on disk, or not at all; false when the name is taken. Of several processes that try, one
 * succeeds. Needs a file system with hard links.
 */
export async function createOnce(
  directory: string,
  name: string,
  content: Uint8Array,
  mode: number,
  reached: (step: Step) => void = () => undefined,
): Promise<boolean> {
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}`)
  const handle = await open(temporary, 'wx', mode)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  reached('written')
  // A crash here leaves a temporary file; `sweep` removes it at the next start.
  const created = await link(temporary, join(directory, name)).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw error
    },
  )
  reached('linked')
  // A crash here leaves the file under both names; the power failing, maybe under neither. Nobody was told of it yet.
  await unlink(temporary)
  await syncDirectory(directory)
  reached('durable')
  return created
}

/** Removes what crashes left. Only at a start: another process may be at work with the same directory. */
export async function sweep(directory: string): Promise<void> {
  const left = (await readdir(directory)).filter(name => isTemporary.test(name))
  await Promise.all(left.map(name => unlink(join(directory, name)).catch(() => undefined)))
}

export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}
