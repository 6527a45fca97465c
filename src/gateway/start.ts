import { createHash } from 'node:crypto'
import { type Actor, recordEvent } from '../audit/index.ts'
import type { Config, Secrets } from '../config/index.ts'
import { connectionsOf } from '../connections/index.ts'
import { unsealFor } from '../custody/index.ts'
import { createListener, createOps, listen, type OwnFiles, openRefusals } from '../http/index.ts'
import { openCheck, openForgetting, openIntake } from '../intake/index.ts'
import { type Clock, SealpostError, version } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { openUpkeep } from '../recipients/index.ts'
import { openReporting } from '../review/index.ts'
import { largestBody, openInspector, openSealerPool } from '../sealer/host/index.ts'
import { openForgettingUpdates } from '../updates/index.ts'
import { anyWebhook } from '../webhooks/index.ts'
import { openAnchors } from './anchors.ts'
import { openLogKeeping } from './audit-log.ts'
import { openGround } from './ground.ts'
import { noPorts, openListeners, type Ports, stopDeadline } from './listeners.ts'
import { peopleOf } from './people.ts'
import { endingOf } from './reviewing.ts'
import { openSending } from './sending.ts'
import { settingsOf } from './settings-of.ts'
import { openSiem } from './siem.ts'
import { openCalling } from './webhooks.ts'

export interface Gateway extends Ports {
  readonly opsPort: number
  /** Takes other certificates, keys, CAs and lists without dropping a connection; false when they are refused. */
  reload(read: () => OwnFiles): Promise<boolean>
  /** Ends gracefully: takes nothing new, finishes or hands back what is under way, then closes everything. */
  stop(): Promise<void>
}

const itself: Actor = { kind: 'gateway' }

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
  const ground = await openGround(opened, config, secrets, clock, log)
  const { database, queue, tls, alarms } = ground
  const { knex } = database
  const lifetime = new AbortController()
  const checks: Record<string, () => unknown> = {
    running: () => {
      lifetime.signal.throwIfAborted()
    },
    database: () => database.ping(),
    certificates: () => tls.assertInForce(),
    audit: () => alarms.assertSound(),
  }

  const [seals, sends] = [config.roles.includes('api'), config.roles.includes('courier')]
  const origin = `${config.mailHost}/audit-log`
  const calls = await anyWebhook(knex)
  const keys = await unsealFor(knex, clock, { seals, sends, calls, origin }, readPassphrase)
  await openLogKeeping(opened, { knex, clock, log, alarms, key: keys.log })
  const siem = openSiem(opened, config, { knex, clock, log, alarms, tls, origin })
  openAnchors(opened, config, secrets, { knex, clock, log, alarms, siem })
  const probe = await openSending(opened, config, secrets, ground, { clock, log, dkim: keys.dkim })

  const inspector = opened.adopt(openInspector(), kept => kept.close())
  const attachmentBytes = config.attachmentMegabytes * 1024 * 1024
  const sealer =
    keys.signing &&
    opened.adopt(
      await openSealerPool({ key: keys.signing, processes: config.sealers, attachmentBytes }),
      pool => pool.close(stopDeadline),
    )
  if (sealer !== undefined) {
    checks['sealer'] = () => {
      if (sealer.pids().length === 0) throw new SealpostError('sealer_unavailable')
    }
  }
  const people = peopleOf({ knex, clock, log, config, publicCa: secrets.publicCa, sealer, inspector })
  const intake = sealer && openIntake({ knex, clock, queue, sealer, mailHost: config.mailHost })
  const check = sealer && openCheck({ knex, clock, sealer })
  const whileSound = <Asked extends readonly unknown[], Answer>(take: (...asked: Asked) => Answer) => {
    return (...asked: Asked): Answer => {
      alarms.assertSound()
      return take(...asked)
    }
  }
  const connections = () => connectionsOf(knex, clock, { config, secrets: { ...secrets, ...tls.files() } })
  const refusals = opened.adopt(openRefusals({ knex, clock, log }), counted => counted.close())
  const common = { knex, clock, log, queue, refusals, stopping: lifetime.signal }
  const ports =
    intake && check
      ? await openListeners(opened, config, tls, {
          ...common,
          submit: whileSound(intake),
          check: whileSound(check),
          bodyLimit: largestBody(attachmentBytes),
          people,
          connections,
          probe,
        })
      : noPorts

  const own = async () => endingOf(await connections())
  const reporting = openReporting({ knex, clock, log, sender: config.notices, own })
  opened.defer(() => reporting.stop())
  if (intake) opened.adopt(openForgetting(knex, clock, log), forgetting => forgetting.stop())
  openCalling(opened, config, secrets, {
    knex,
    clock,
    log,
    isSound: () => alarms.isSound(),
    openSecret: keys.webhooks,
  })
  if (sends) opened.adopt(openForgettingUpdates(knex, clock, log), forgetting => forgetting.stop())
  const upkeep = openUpkeep(people.upkeep)
  opened.defer(() => upkeep.stop(stopDeadline))

  const opsServer = createListener(
    tls.contextOf('ops'),
    'none',
    createOps(checks, common, ground.warnings, () => alarms.active()),
    { ...common, listener: 'ops' },
  )
  tls.attach('ops', opsServer)
  const ops = opened.adopt(await listen(opsServer, config.ops), listener => listener.close(stopDeadline))

  await recordEvent(knex, clock, itself, {
    type: 'gateway.started',
    roles: config.roles,
    version,
    configSha256: digest(config),
    settings: settingsOf(config, secrets),
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
  const reload = (read: () => OwnFiles) => tls.reload(read)
  return { ...ports, opsPort: ops.port, reload, stop: () => (stopped ??= stop()) }
}

function digest(config: Config): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex')
}
