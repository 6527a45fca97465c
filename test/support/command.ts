import { tmpdir } from 'node:os'
import { vi } from 'vitest'
import { runCommand } from '../../src/cli/run.ts'
import type { TestDatabase } from './database.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A command line of the program, in this process, under these settings and no others: what it writes and its exit code are those of
 * the program, without its start. What is of the process itself (signals, descriptors, standard input) takes `spawnCommand`.
 */
export async function command(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  directory = tmpdir(),
): Promise<Ran> {
  const [environment, before, exit] = [process.env, process.cwd(), process.exitCode]
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString()
      return true
    }),
  )
  process.env = { PATH: environment['PATH'], ...settings }
  process.exitCode = undefined
  process.chdir(directory)
  try {
    return { status: await runCommand(args), ...written }
  } finally {
    process.chdir(before)
    process.exitCode = exit
    process.env = environment
    for (const spy of spies) spy.mockRestore()
  }
}

/** The settings by which a command reaches a test's database as its owner. */
export function asOwnerOf({ owner }: Pick<TestDatabase, 'owner'>): Record<string, string> {
  if (owner.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  return { SEALPOST_DATABASE_SOCKET: owner.directory, SEALPOST_DATABASE_NAME: owner.database }
}
