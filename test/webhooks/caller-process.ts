import type { DatabaseConfig } from '../../src/config/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { openFetcher } from '../../src/platform/https/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import { openCaller } from '../../src/webhooks/index.ts'

/** A caller alone in a process, for tests that kill it. Told what to do by its parent's first message. */
process.once('message', (settings: Parameters<typeof start>[0]) => start(settings))
process.on('disconnect', () => process.exit())

function start({ gateway, ca, lease }: { gateway: DatabaseConfig; ca: string; lease: number }): void {
  const { knex } = openDatabase(gateway, { applicationName: 'test', statementTimeout: 30_000, poolSize: 4 })
  openCaller({
    knex,
    clock: systemClock,
    log: openLogger({ level: 'error' }),
    openSecret: () => Buffer.alloc(32, 7),
    poster: openFetcher({ ca, allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] }),
    every: 20,
    lease,
  })
}
