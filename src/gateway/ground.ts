import { type OpenedAlarms, openAlarms, watchClock, watchLog } from '../audit/index.ts'
import type { Config, Secrets } from '../config/index.ts'
import { announceTunnel } from '../connections/index.ts'
import { assertDatabaseTrust, type OwnTls, openOwnTls } from '../http/index.ts'
import type { Clock } from '../kernel/index.ts'
import {
  assertSchemaCurrent,
  type Database,
  type Logger,
  openDatabase,
  openQueue,
  tunnelInForce,
} from '../platform/index.ts'
import { openSignedFetch, openStapler, type SignedFetch } from '../platform/revocation/index.ts'

/** What every replica stands on, whatever its roles. */
export interface Ground {
  readonly database: Database
  readonly queue: Awaited<ReturnType<typeof openQueue>>
  /** Our own certificates, CAs and lists. */
  readonly tls: OwnTls
  readonly fetchSigned: SignedFetch
  readonly alarms: OpenedAlarms
  /** What the health check is to warn of. */
  readonly warnings: () => readonly string[]
}

/**
 * Opens database and queue over what was judged fit to reach them, and judges what the listeners will show. Rejects when
 * anything is amiss; what is open then belongs to `opened`.
 */
export async function openGround(
  opened: AsyncDisposableStack,
  config: Config,
  secrets: Secrets,
  clock: Clock,
  log: Logger,
): Promise<Ground> {
  const rules = { exposure: config.exposure, foreign: config.foreignCertificates }
  const tunnel = tunnelInForce(secrets.database, clock.now())
  await assertDatabaseTrust(secrets.database, rules, clock.now())
  // Each new connection asks: a reload brings other CAs, lists and certificates.
  const judged: { tls?: OwnTls } = {}
  const reached = () => judged.tls?.files().database ?? secrets.database
  const session = { applicationName: 'sealpost', statementTimeout: 30_000 }
  const database = opened.adopt(openDatabase(reached, { ...session, poolSize: config.databasePool }), pool =>
    pool.close(),
  )
  const { knex } = database
  await assertSchemaCurrent(knex)
  const alarms = opened.adopt(openAlarms({ knex, clock, log }), raised => raised.close())
  opened.defer(watchLog({ knex, clock, alarms }))
  const clockWatch = watchClock({ knex, clock, monotonic: () => performance.now(), log, alarms })
  opened.defer(() => clockWatch.stop())
  const queue = opened.adopt(
    await openQueue(reached, { poolSize: 2, onError: error => log.error('queue-failed', error) }),
    boss => boss.stop({ graceful: false }),
  )
  const fetchSigned = openSignedFetch({ allowedNetworks: config.allowedNetworks })
  const staple = openStapler({ fetch: fetchSigned, clock })
  const tls = await openOwnTls(secrets, rules, { knex, clock, log, staple })
  judged.tls = tls
  if (tunnel !== undefined) {
    opened.adopt(await announceTunnel(tunnel, { knex, clock, log }), stop => stop())
  }
  const warnings = () => [...tls.warnings(), ...(tunnel === undefined ? [] : ['database_tls_1_2'])]
  return { database, queue, tls, fetchSigned, alarms, warnings }
}
