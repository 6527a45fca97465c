import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { openApprovals } from './access/index.ts'
import { type Actor, recordEvent } from './audit/index.ts'
import type { Config, Listen, Secrets } from './config/index.ts'
import { announceTunnel, type ConnectionInventory, connectionsOf } from './connections/index.ts'
import { unsealFor } from './custody/index.ts'
import {
  destinationChange,
  openCourier,
  openDkim,
  openNoticeCourier,
  openProbe,
  openRouting,
  type Probe,
  type Queue,
  type SendingPolicy,
  stopDeliveries,
} from './delivery/index.ts'
import {
  assertDatabaseTrust,
  createApi,
  createConsole,
  createListener,
  createOps,
  createPublic,
  listen,
  type OwnFiles,
  type OwnTls,
  openClients,
  openOwnTls,
} from './http/index.ts'
import { openIntake, type Submit } from './intake/index.ts'
import { type Address, type Clock, SealpostError, version } from './kernel/index.ts'
import { openDiscovery, openRefresh } from './keys/index.ts'
import { openFetcher } from './platform/https/index.ts'
import { assertSchemaCurrent, type Logger, openDatabase, openQueue, tunnelInForce } from './platform/index.ts'
import { listStore, openRevocation, openSignedFetch, openStapler } from './platform/revocation/index.ts'
import { applyAdoption, certificatePolicy, type Policy, policyInForce } from './policy/index.ts'
import { openEnrolment, openUpkeep } from './recipients/index.ts'
import {
  admitCiphertext,
  type Inspector,
  openInspector,
  openSealerPool,
  type SealerPool,
} from './sealer/host/index.ts'

export interface Gateway {
  /** These three are undefined unless this replica has the role `api`. */
  readonly apiPort: number | undefined
  readonly consolePort: number | undefined
  readonly publicPort: number | undefined
  readonly opsPort: number
  /** Takes other certificates, keys, CAs and lists without dropping a connection; false when they are refused. */
  reload(read: () => OwnFiles): Promise<boolean>
  /** Ends gracefully: takes nothing new, finishes or hands back what is under way, then closes everything. */
  stop(): Promise<void>
}

const itself: Actor = { kind: 'gateway' }

// Requests and SMTP sessions under way get this long, in milliseconds, when the gateway stops.
const stopDeadline = 20_000

/**
 * Builds and starts one replica: the only place where rooms are wired to each other. Resolves when it is ready; rejects,
 * with everything closed again, when anything is amiss. The passphrase is asked for only when this replica seals, or signs mails.
 */
export async function startGateway(
  config: Config,
  secrets: Secrets,
  readPassphrase: () => Promise<string>,
  clock: Clock,
  log: Logger,
): Promise<Gateway> {
  await using opened = new AsyncDisposableStack()
  const rules = { exposure: config.exposure, foreign: config.foreignCertificates }
  const tunnel = tunnelInForce(secrets.database, clock.now())
  await assertDatabaseTrust(secrets.database, rules, clock.now())
  const judged: { tls?: OwnTls } = {}
  const reached = () => judged.tls?.files().database ?? secrets.database
  const database = opened.adopt(
    openDatabase(reached, {
      applicationName: 'sealpost',
      statementTimeout: 30_000,
      poolSize: config.databasePool,
    }),
    pool => pool.close(),
  )
  const { knex } = database
  await assertSchemaCurrent(knex)
  const queue = opened.adopt(
    await openQueue(reached, { poolSize: 2, onError: error => log.error('queue-failed', error) }),
    boss => boss.stop({ graceful: false }),
  )
  const { mailHost, allowedNetworks } = config
  const { publicCa } = secrets
  const fetchSigned = openSignedFetch({ allowedNetworks })
  const staple = openStapler({ fetch: fetchSigned, clock })
  const own = await openOwnTls(secrets, rules, { knex, clock, log, staple })
  judged.tls = own
  if (tunnel !== undefined) {
    opened.adopt(await announceTunnel(tunnel, { knex, clock, log }), stop => stop())
  }
  const lifetime = new AbortController()
  const checks: Record<string, () => unknown> = {
    running: () => {
      lifetime.signal.throwIfAborted()
    },
    database: () => database.ping(),
    certificates: () => own.assertInForce(),
  }

  const [seals, sends] = [config.roles.includes('api'), config.roles.includes('courier')]
  const keys = await unsealFor(knex, clock, { seals, sends }, readPassphrase)
  const routing = opened.adopt(await openRouting({ knex, clock, log, config, secrets }), used => used.close())
  const { findRoute } = routing
  const policyAt = (at: Date) => sendingPolicy(knex, at)
  const revocation = openRevocation({ store: listStore(knex), fetch: fetchSigned, clock })
  if (sends) {
    const sign = openDkim(keys.dkim, mailHost)
    const facing = { mailHost, findRoute, publicCa, revocation, sign }
    const sending = { knex, clock, log, ...facing, admit: admitCiphertext, policyAt }
    const { returnPathDomain } = config
    const courier = openCourier({ ...sending, queue, returnPathDomain })
    opened.defer(() => courier.stop(stopDeadline))
    const noticeCourier = openNoticeCourier(sending)
    opened.defer(() => noticeCourier.stop(stopDeadline))
  }

  const inspector = opened.adopt(openInspector(), kept => kept.close())
  const sealer =
    keys.signing &&
    opened.adopt(await openSealerPool({ key: keys.signing, processes: config.sealers }), pool =>
      pool.close(stopDeadline),
    )
  const probe = openProbe({
    explain: (domain, rule) => routing.explain(domain, rule),
    clock,
    mailHost,
    publicCa,
    revocation,
    records: { knex, policyAt, actor: itself },
  })
  const connections = () => connectionsOf(knex, clock, { config, secrets: { ...secrets, ...own.files() } })
  const people = peopleOf({ knex, clock, log, config, publicCa, sealer, inspector })
  const submit = sealer && openIntake({ knex, clock, queue, sealer, mailHost })
  if (sealer !== undefined) {
    checks['sealer'] = () => {
      if (sealer.pids().length === 0) throw new SealpostError('sealer_unavailable')
    }
  }
  const common = { knex, clock, log, queue, stopping: lifetime.signal }
  const ports = submit
    ? await openListeners(opened, config, own, { ...common, submit, people, connections, probe })
    : noPorts

  const upkeep = openUpkeep(people.upkeep)
  opened.defer(() => upkeep.stop(stopDeadline))

  const warnings = () => [...own.warnings(), ...(tunnel === undefined ? [] : ['database_tls_1_2'])]
  const opsServer = createListener(own.contextOf('ops'), 'none', createOps(checks, warnings))
  own.attach('ops', opsServer)
  const ops = opened.adopt(await listen(opsServer, config.ops), listener => listener.close(stopDeadline))

  await recordEvent(knex, clock, itself, {
    type: 'gateway.started',
    roles: config.roles,
    version,
    configSha256: digest(config),
  })
  const { apiPort, consolePort, publicPort } = ports
  log.info('gateway-started', { port: apiPort, consolePort, publicPort, opsPort: ops.port })

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
  const reload = (read: () => OwnFiles) => own.reload(read)
  return { ...ports, opsPort: ops.port, reload, stop: () => (stopped ??= stop()) }
}

interface Listening {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly queue: Queue
  readonly stopping: AbortSignal
  readonly submit: Submit
  readonly people: ReturnType<typeof peopleOf>
  readonly connections: () => Promise<ConnectionInventory>
  readonly probe: Probe
}

/** The listeners of the role `api`, one TLS context each: applications, operators, recipients. */
async function openListeners(
  opened: AsyncDisposableStack,
  config: Config,
  tls: OwnTls,
  { submit, people, connections, probe, ...common }: Listening,
): Promise<Pick<Gateway, 'apiPort' | 'consolePort' | 'publicPort'>> {
  const clients = openClients(common.knex, common.clock, common.log, tls.trust)
  const api = createListener(tls.contextOf('api'), 'required', createApi({ ...common, clients, submit }))
  clients.guard(api)
  tls.attach('api', api, () => clients.recheck())
  // Lists and certificates end without a reload; and a handshake that began before one ends after it.
  const recheck = setInterval(() => clients.recheck(), 15_000).unref()
  opened.defer(() => clearInterval(recheck))
  const forOperators = createConsole({ ...common, ...people, connections, probe, origin: config.consoleUrl })
  const forRecipients = createPublic({ ...common, ...people, origin: config.notices.publicUrl })
  const serve = async (server: Parameters<typeof listen>[0], at: Listen): Promise<number> =>
    opened.adopt(await listen(server, at), listener => listener.close(stopDeadline)).port
  const forPeople = (name: 'console' | 'public', handler: Parameters<typeof createListener>[2]) => {
    const server = createListener(tls.contextOf(name), 'none', handler)
    tls.attach(name, server)
    return server
  }
  return {
    apiPort: await serve(api, config.api),
    consolePort: await serve(forPeople('console', forOperators), config.console),
    publicPort: await serve(forPeople('public', forRecipients), config.public),
  }
}

const noPorts = { apiPort: undefined, consolePort: undefined, publicPort: undefined }

interface PeopleDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly config: Config
  readonly publicCa: string | undefined
  /** Undefined on a replica that does not seal. */
  readonly sealer: SealerPool | undefined
  readonly inspector: Inspector
}

/** What operators and recipients can do, each through their own listener, and what happens to them by the clock. */
function peopleOf({ knex, clock, log, config, publicCa, sealer, inspector }: PeopleDependencies) {
  const { notices: sender, allowedNetworks, discovery: outside } = config
  const stop = stopDeliveries
  const policy = (handle: Knex | Knex.Transaction) => policyOf(handle, clock)
  const enrolling = { knex, clock, inspector, sealer, stop, sender, policy }
  const enrolment = openEnrolment(enrolling)
  const approvals = openApprovals({
    knex,
    clock,
    apply: {
      'recipient.activate': enrolment.applyActivation,
      'recipient.reinstate': enrolment.applyReinstate,
      'recipient.attest': enrolment.applyAttest,
      'policy.adopt': async (trx, change, approver) => {
        await applyAdoption(trx, clock, change, approver)
      },
      'destination.set': destinationChange(clock),
    },
  })

  const fetcher = openFetcher({ ca: publicCa, allowedNetworks })
  const keyserver = config.keyserver === undefined ? undefined : new URL(config.keyserver)
  const discovery = openDiscovery(fetcher, keyserver)
  const refresh = openRefresh({
    ...enrolling,
    fetcher,
    keyserver,
    policy: async handle => {
      const adopted = await policyInForce(handle, clock.now())
      return adopted && certificatePolicy(adopted.policy)
    },
    propose: (recipient, bytes, source) => enrolment.propose({ recipient }, bytes, source),
  })
  return {
    enrolment,
    approvals,
    stop,
    sender,
    organisation: sender.organisation,
    inspect: (...question: Parameters<Inspector['inspect']>) => inspector.inspect(...question),
    find: outside ? (address: Address) => discovery.find(address) : undefined,
    // What a directory has may become a proposal, and its code has to be sealed.
    upkeep: {
      ...enrolling,
      log,
      refresh: outside && sealer !== undefined ? (key: string) => refresh.refresh(key) : undefined,
    },
  }
}

async function policyOf(handle: Knex | Knex.Transaction, clock: Clock): Promise<Policy> {
  const adopted = await policyInForce(handle, clock.now())
  if (adopted === undefined) throw new SealpostError('sending_not_approved')
  return adopted.policy
}

async function sendingPolicy(knex: Knex, at: Date): Promise<SendingPolicy | undefined> {
  const adopted = await policyInForce(knex, at)
  if (adopted === undefined) return undefined
  const { minVersion: minTls, floor, revocation } = adopted.policy.tls
  return { minTls, floor, revocation }
}

function digest(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex')
}
