import { loadServeConfig, secretFiles } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'
import { openDatabase } from '../platform/index.ts'
import { type Check, ok } from './check.ts'
import { alarmChecks } from './checks/alarms.ts'
import { anchorChecks } from './checks/anchors.ts'
import { databaseChecks } from './checks/database.ts'
import { fileChecks } from './checks/files.ts'
import { type HostFacts, hostChecks } from './checks/host.ts'
import { serviceChecks } from './checks/service.ts'
import { syslogChecks } from './checks/syslog.ts'
import { tlsChecks } from './checks/tls.ts'
import { failureOf } from './run.ts'

/** All checks of this installation. Without sound settings there are only those that need none. */
export function checksOf(
  host: HostFacts,
  clock: Clock,
): { readonly checks: readonly Check[]; readonly close: () => Promise<void> } {
  const first = hostChecks(host)
  let loaded: ReturnType<typeof loadServeConfig>
  try {
    loaded = loadServeConfig(host.env, ['api', 'courier'])
  } catch (error) {
    const settings: Check = { name: 'settings', run: () => failureOf(error) }
    return { checks: [...first, settings], close: () => Promise.resolve() }
  }
  const { config, secrets } = loaded
  const database = openDatabase(secrets.database, {
    applicationName: 'sealpost-doctor',
    statementTimeout: 10_000,
    poolSize: 2,
    clock,
  })
  const { knex } = database
  return {
    checks: [
      ...first,
      { name: 'settings', run: () => ok('complete, and free of contradiction') },
      ...fileChecks(secretFiles(host.env)),
      ...tlsChecks(config, secrets, clock),
      ...databaseChecks(knex, secrets.database, clock),
      ...serviceChecks(knex, config, clock),
      ...alarmChecks(knex, clock),
      ...syslogChecks(knex, config, secrets, clock),
      ...anchorChecks(knex, config, clock),
    ],
    close: () => database.close(),
  }
}
