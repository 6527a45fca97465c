import type { TestProject } from 'vitest/node'
import { migrate, startEmbeddedPostgres } from '../../src/platform/index.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory of the unix socket of the one server of this run; its database `sealpost` is migrated. */
    readonly postgresSocket: string
  }
}

/** One server for the whole run. Its migrated database is the template of each test file's own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startEmbeddedPostgres()
  try {
    await migrate(server.config('owner'))
  } catch (error) {
    await server.stop()
    throw error
  }
  project.provide('postgresSocket', server.socketDirectory)
  return () => server.stop()
}
