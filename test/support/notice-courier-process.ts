import type { DatabaseConfig } from '../../src/config/index.ts'
import { type NoticePolicy, openNoticeCourier } from '../../src/delivery/index.ts'
import { type Ciphertext, systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'

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
    allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
    publicCa: undefined,
    admit: bytes => bytes as Ciphertext,
    lookup: () => Promise.resolve(['127.0.0.1']),
    policy,
  })
  process.send?.('started')
}
