import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Actor, recordEvent } from './audit/index.ts'
import type { Config, Secrets } from './config/index.ts'
import { openSigningKey } from './custody/index.ts'
import { openCourier, type SendingPolicy } from './delivery/index.ts'
import { createApi, createListener, createOps, type Listener, listen, openClients } from './http/index.ts'
import { openIntake } from './intake/index.ts'
import { type Clock, SealpostError, version } from './kernel/index.ts'
import { assertSchemaCurrent, type Logger, openDatabase, openQueue } from './platform/index.ts'
import { policyInForce } from './policy/index.ts'
import { admitCiphertext, openSealerPool } from './sealer/host/index.ts'

export interface Gateway {
  /** Undefined unless this replica has the role `api`. */
  readonly apiPort: number | undefined
  readonly opsPort: number
  /** Ends gracefully: takes nothing new, finishes or hands back what is under way, then closes everything. */
  stop(): Promise<void>
}

const itself: Actor = { kind: 'gateway' }

// Requests and SMTP sessions under way get this long, in milliseconds, when the gateway stops.
const stopDeadline = 20_000

/**
 * Builds and starts one replica: the only place where rooms are wired to each other. Resolves when it is ready; rejects,
 * with everything closed again, when anything is amiss. The passphrase is asked for only when this replica seals.
 */
export async function startGateway(
  config: Config,
  secrets: Secrets,
  readPassphrase: () => Promise<string>,
  clock: Clock,
  log: Logger,
): Promise<Gateway> {
  await using opened = new AsyncDisposableStack()
  const database = opened.adopt(
    openDatabase(secrets.database, {
      applicationName: 'sealpost',
      statementTimeout: 30_000,
      poolSize: config.databasePool,
    }),
    pool => pool.close(),
  )
  const { knex } = database
  await assertSchemaCurrent(knex)
  const queue = opened.adopt(
    await openQueue(secrets.database, { poolSize: 2, onError: error => log.error('queue-failed', error) }),
    boss => boss.stop({ graceful: false }),
  )
  const { mailHost, allowedNetworks } = config
  const identity = { cert: secrets.certificate, key: secrets.key }
  const lifetime = new AbortController()
  const checks: Record<string, () => unknown> = {
    running: () => {
      lifetime.signal.throwIfAborted()
    },
    database: () => database.ping(),
  }

  if (config.roles.includes('courier')) {
    const { publicCa } = secrets
    const admit = admitCiphertext
    const courier = openCourier({
      knex,
      queue,
      clock,
      log,
      mailHost,
      allowedNetworks,
      publicCa,
      admit,
      policyAt: at => sendingPolicy(knex, at),
    })
    opened.defer(() => courier.stop(stopDeadline))
  }

  let api: Listener | undefined
  if (config.roles.includes('api')) {
    const key = await openSigningKey(knex, clock, await readPassphrase())
    const sealer = opened.adopt(await openSealerPool({ key, processes: config.sealers }), pool =>
      pool.close(stopDeadline),
    )
    checks['sealer'] = () => {
      if (sealer.pids().length === 0) throw new SealpostError('sealer_unavailable')
    }
    const clients = openClients(knex, clock, log)
    const submit = openIntake({ knex, clock, queue, sealer, mailHost })
    const handler = createApi({ knex, clock, clients, submit, log, stopping: lifetime.signal })
    const server = createListener({ ...identity, ca: secrets.clientCa }, 'required', handler)
    clients.guard(server)
    api = opened.adopt(await listen(server, config.api), listener => listener.close(stopDeadline))
  }

  const opsServer = createListener(identity, 'none', createOps(checks))
  const ops = opened.adopt(await listen(opsServer, config.ops), listener => listener.close(stopDeadline))

  await recordEvent(knex, clock, itself, {
    type: 'gateway.started',
    roles: config.roles,
    version,
    configSha256: digest(config),
  })
  log.info('gateway-started', { port: api?.port, opsPort: ops.port })

  const resources = opened.move()
  const stop = async (): Promise<void> => {
    lifetime.abort()
    log.info('gateway-stopping')
    // Stopping does not depend on the database: what could not be recorded is in the log at least.
    await recordEvent(knex, clock, itself, { type: 'gateway.stopped' }).catch((error: unknown) =>
      log.error('audit-failed', error),
    )
    await resources.disposeAsync()
  }
  let stopped: Promise<void> | undefined
  return { apiPort: api?.port, opsPort: ops.port, stop: () => (stopped ??= stop()) }
}

async function sendingPolicy(knex: Knex, at: Date): Promise<SendingPolicy | undefined> {
  const adopted = await policyInForce(knex, at)
  return adopted && { minTls: adopted.policy.tls.minVersion }
}

function digest(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex')
}
