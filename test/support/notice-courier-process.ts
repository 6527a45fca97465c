import type { DatabaseConfig } from '../../src/config/index.ts'
import { type NoticePolicy, openNoticeCourier } from '../../src/delivery/index.ts'
import { type Ciphertext, systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import { loopbackRoutes } from './dns.ts'

/** A notice courier alone in a process, for tests that kill it. Told what to do by its parent's first message. */
process.once('message', (settings: Parameters<typeof start>[0]) => start(settings))
process.on('disconnect', () => process.exit())

function start({ gateway, policy }: { gateway: DatabaseConfig; policy: NoticePolicy }): void {
  const { knex } = openDatabase(gateway, { applicationName: 'test', statementTimeout: 30_000, poolSize: 4 })
  openNoticeCourier({
    knex,
    clock: systemClock,
    log: openLogger({ level: 'error' }),
    mailHost: 'gateway.test',
    findRoute: loopbackRoutes(knex),
    publicCa: undefined,
    admit: bytes => bytes as Ciphertext,
    policyAt: () => Promise.resolve(undefined),
    policy,
  })
  process.send?.('started')
}
