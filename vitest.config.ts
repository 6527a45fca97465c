import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/browser/**'],
    pool: 'forks',
    // A worker keeps its modules from file to file: to load them anew each time was a quarter of the run.
    isolate: false,
    // Tests wait for disks and sockets more than they compute; one for each core leaves cores idle.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    globalSetup: ['test/support/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
  },
})
