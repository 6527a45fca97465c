import type { DatabaseConfig } from '../../src/config/index.ts'
import { type CourierPolicy, openCourier } from '../../src/delivery/index.ts'
import { type Ciphertext, systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger, openQueue } from '../../src/platform/index.ts'
import { loopbackRoutes } from './dns.ts'

/** A courier alone in a process, for tests that kill or pause it. Told what to do by its parent's first message. */
process.once('message', (settings: Parameters<typeof start>[0]) => void start(settings))
process.on('disconnect', () => process.exit())

async function start({ gateway, policy }: { gateway: DatabaseConfig; policy: CourierPolicy }): Promise<void> {
  const { knex } = openDatabase(gateway, { applicationName: 'test', statementTimeout: 30_000, poolSize: 4 })
  const queue = await openQueue(gateway, { poolSize: 2, onError: () => undefined })
  openCourier({
    knex,
    queue,
    clock: systemClock,
    log: openLogger({ level: 'error' }),
    mailHost: 'gateway.test',
    findRoute: loopbackRoutes(knex),
    publicCa: undefined,
    admit: bytes => bytes as Ciphertext,
    policyAt: () => Promise.resolve({ minTls: 'TLSv1.2', floor: 'secure', revocation: 'when_known' }),
    policy,
  })
  process.send?.('started')
}
