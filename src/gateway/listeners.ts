import type { Knex } from 'knex'
import { expireSessions } from '../access/index.ts'
import type { Config, Listen } from '../config/index.ts'
import type { ConnectionInventory } from '../connections/index.ts'
import type { Probe, Queue } from '../delivery/index.ts'
import {
  createApi,
  createConsole,
  createListener,
  createPublic,
  listen,
  type OwnTls,
  openBodiesInFlight,
  openClients,
  type Refusals,
} from '../http/index.ts'
import type { Check, Submit } from '../intake/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { openFeed } from '../updates/index.ts'
import type { peopleOf } from './people.ts'

/** Those of the role `api`; undefined on a replica without it. */
export interface Ports {
  readonly apiPort: number | undefined
  readonly consolePort: number | undefined
  readonly publicPort: number | undefined
}

// Requests under way get this long, in milliseconds, when the gateway stops.
export const stopDeadline = 20_000

interface Listening {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  readonly queue: Queue
  readonly refusals: Refusals
  readonly stopping: AbortSignal
  readonly submit: Submit
  readonly check: Check
  readonly bodyLimit: number
  readonly people: ReturnType<typeof peopleOf>
  readonly connections: () => Promise<ConnectionInventory>
  readonly probe: Probe
}

/** The listeners of the role `api`, one TLS context each: applications, operators, recipients. */
export async function openListeners(
  opened: AsyncDisposableStack,
  config: Config,
  tls: OwnTls,
  { submit, check, bodyLimit, people, connections, probe, ...common }: Listening,
): Promise<Ports> {
  const clients = openClients(common.knex, common.clock, common.log, tls.trust, common.refusals)
  const feed = opened.adopt(openFeed(common), following => following.stop())
  const bodies = openBodiesInFlight({ large: config.sealers })
  const api = createListener(
    tls.contextOf('api'),
    'required',
    createApi({ ...common, clients, submit, check, feed, bodies, bodyLimit }),
    {
      ...common,
      listener: 'api',
    },
  )
  clients.guard(api)
  tls.attach('api', api, () => clients.recheck())
  // Lists and certificates end without a reload; and a handshake that began before one ends after it.
  const recheck = setInterval(() => clients.recheck(), 15_000).unref()
  opened.defer(() => clearInterval(recheck))
  const { knex, clock, log } = common
  const expiry = setInterval(() => {
    expireSessions(knex, clock).catch((error: unknown) => log.error('audit-failed', error))
  }, 60_000).unref()
  opened.defer(() => clearInterval(expiry))
  const forOperators = createConsole({ ...common, ...people, connections, probe, origin: config.consoleUrl })
  const forRecipients = createPublic({ ...common, ...people, origin: config.notices.publicUrl })
  const serve = async (server: Parameters<typeof listen>[0], at: Listen): Promise<number> =>
    opened.adopt(await listen(server, at), listener => listener.close(stopDeadline)).port
  const forPeople = (name: 'console' | 'public', handler: Parameters<typeof createListener>[2]) => {
    const server = createListener(tls.contextOf(name), 'none', handler, { ...common, listener: name })
    tls.attach(name, server)
    return server
  }
  return {
    apiPort: await serve(api, config.api),
    consolePort: await serve(forPeople('console', forOperators), config.console),
    publicPort: await serve(forPeople('public', forRecipients), config.public),
  }
}

export const noPorts: Ports = { apiPort: undefined, consolePort: undefined, publicPort: undefined }
