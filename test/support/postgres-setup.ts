import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { type EmbeddedPostgres, migrate, startEmbeddedPostgres } from '../../src/platform/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the unix socket of the one server of this run; its database `sealpost` is migrated. */
    readonly postgresSocket: string
  }
}

/** One server for the whole run. Its migrated database is the template of each test file's own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { server, stop } = (await startInMemory()) ?? (await startOnDisk())
  try {
    await migrate(server.config('owner'))
  } catch (error) {
    await stop()
    throw error
  }
  project.provide('postgresSocket', server.socketDirectory)
  return stop
}

interface Started {
  readonly server: EmbeddedPostgres
  readonly stop: () => Promise<void>
}

const memory = '/dev/shm'
const enough = 4 * 2 ** 30

/**
 * Nothing here pulls the plug, so the files may be in memory: a fifth of the run was the disk. Undefined where there is too
 * little of it, or nothing may be executed there.
 */
async function startInMemory(): Promise<Started | undefined> {
  if (!hasRoom()) return undefined
  const directory = mkdtempSync(`${memory}/sealpost-`)
  const clear = (): void => rmSync(directory, { recursive: true, force: true })
  try {
    const server = await startEmbeddedPostgres({ directory })
    return { server, stop: () => server.stop().finally(clear) }
  } catch {
    clear()
    return undefined
  }
}

async function startOnDisk(): Promise<Started> {
  const server = await startEmbeddedPostgres()
  return { server, stop: () => server.stop() }
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory)
    return bavail * bsize > enough
  } catch {
    return false
  }
}
