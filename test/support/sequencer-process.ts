import { createPrivateKey } from 'node:crypto'
import { openSequencer } from '../../src/audit-log/sequencer/open.ts'
import type { DatabaseConfig } from '../../src/config/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../src/platform/index.ts'
import { noteSigner } from '../../src/tlog/index.ts'

interface Settings {
  readonly gateway: DatabaseConfig
  readonly origin: string
  /** PKCS #8, PEM. */
  readonly key: string
  readonly batch: number
}

/** A sequencer alone in a process, for tests that kill it or run several. Tells each alarm to its parent. */
process.once('message', (settings: Settings) => start(settings))
process.on('disconnect', () => process.exit())

function start({ gateway, origin, key, batch }: Settings): void {
  const { knex } = openDatabase(gateway, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 })
  openSequencer({
    knex,
    clock: systemClock,
    log: openLogger({ level: 'error' }),
    key: noteSigner(origin, createPrivateKey(key)),
    alarms: { raise: code => void process.send?.(code), clear: () => undefined },
    every: 20,
    batch,
  })
  process.send?.('started')
}
