import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { SealpostError } from '../../kernel/index.ts'

/** A directory that files appear in whole or not at all, and stay after a power cut. */
export class WholeFiles {
  readonly #path: string
  /** Directories that have new names in them, which are not on disk yet. */
  readonly #changed = new Set<string>()

  private constructor(path: string) {
    this.#path = path
  }

  /** Makes it when it is not there, readable for its owner only. Throws `export_refused`. */
  static async at(path: string): Promise<WholeFiles> {
    await allowed(() => mkdir(path, { recursive: true, mode: 0o700 }))
    return new WholeFiles(path)
  }

  /** Names in it, or in a directory of it. */
  async names(below = '.'): Promise<readonly string[]> {
    return readdir(join(this.#path, below)).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
  }

  async has(name: string): Promise<boolean> {
    return (await this.names(dirname(name))).includes(basename(name))
  }

  async read(name: string): Promise<string | undefined> {
    return readFile(join(this.#path, name), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
  }

  /**
   * Writes a file anew. A crash here leaves `<name>.part`; the next run writes it again. The name itself is on disk after
   * {@link settle}.
   */
  async write(name: string, content: AsyncIterable<string> | Iterable<string | Uint8Array>): Promise<void> {
    const path = join(this.#path, name)
    await allowed(async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const file = await open(`${path}.part`, 'w', 0o600)
      try {
        for await (const piece of content) await file.writeFile(piece)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.part`, path)
    })
    for (let above = dirname(path); above.length >= this.#path.length; above = dirname(above))
      this.#changed.add(above)
  }

  /** Brings the names of what was written to disk. */
  async settle(): Promise<void> {
    for (const path of this.#changed) {
      const directory = await open(path)
      try {
        await directory.sync()
      } finally {
        await directory.close()
      }
    }
    this.#changed.clear()
  }
}

async function allowed(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    // Of the file system: what PostgreSQL says while rows are read is told as it is.
    if (!(error instanceof Error && 'syscall' in error && 'code' in error)) throw error
    throw new SealpostError('export_refused', {
      detail: `the directory cannot be written (${String(error.code)})`,
      cause: error,
    })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
