import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts', 'test/browser/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    globalSetup: ['test/support/postgres-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
