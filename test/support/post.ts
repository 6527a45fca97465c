import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { PgBoss } from 'pg-boss'
import {
  type CourierPolicy,
  type DeliveryStatus,
  type DestinationRule,
  deliveriesOf,
  enqueueDeliveries,
  type FindRoute,
  openCourier,
  openRoutes,
  type SendingPolicy,
  type SignMail,
  standardPolicy,
} from '../../src/delivery/index.ts'
import {
  type Address,
  type Ciphertext,
  type Clock,
  type DeliveryId,
  type MessageId,
  newId,
  type RecipientId,
  systemClock,
} from '../../src/kernel/index.ts'
import { type Logger, openDatabase, openLogger, openQueue, peerGuard } from '../../src/platform/index.ts'
import type { RevocationCheck } from '../../src/platform/revocation/index.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { alone, hostsAt, loopbackDns } from './dns.ts'
import { setDestination } from './shortcut.ts'

/** A database with what deliveries need around them, and couriers on it. No gateway, no sealer. */
export interface Post {
  readonly database: TestDatabase
  readonly owner: Knex
  readonly gateway: Knex
  readonly queue: PgBoss
  readonly log: Logger
  readonly logged: () => string
  /** Accepts one message per address. */
  accept(...addresses: readonly string[]): Promise<readonly Accepted[]>
  acceptOne(address: string): Promise<Accepted>
  /** How the domain of each later recipient is reached. */
  route(domain: string, rule: DestinationRule): Promise<void>
  startCourier(options?: CourierSettings): { stop(deadline?: number): Promise<void> }
  /** Stops those that a test which failed left behind. */
  stopCouriers(): Promise<void>
  status(message: MessageId): Promise<DeliveryStatus>
  /** The status once `condition` holds. */
  until(message: MessageId, condition: (status: DeliveryStatus) => boolean): Promise<DeliveryStatus>
  close(): Promise<void>
}

export interface Accepted {
  readonly message: MessageId
  readonly delivery: DeliveryId
  readonly recipient: RecipientId
  readonly certificate: string
  readonly ciphertext: Buffer
}

export interface CourierSettings {
  readonly policy?: Partial<CourierPolicy>
  readonly knex?: Knex
  readonly queue?: PgBoss
  readonly allowed?: readonly { address: string; prefix: number; family: 'ipv4' | 'ipv6' }[]
  readonly lookup?: (host: string) => Promise<readonly string[]>
  readonly clock?: Clock
  readonly admit?: (bytes: Uint8Array) => Ciphertext
  readonly returnPathDomain?: string | undefined
  readonly sign?: SignMail
  /** Default: by the rules of the database. */
  readonly findRoute?: FindRoute
  /** Default: nothing is known. */
  readonly revocation?: RevocationCheck
  /** Default: the policy {@link lenient}. */
  readonly policyAt?: (at: Date) => Promise<SendingPolicy | undefined>
}

/** Retries within a tenth of a second, short sessions. */
export const hasty: CourierPolicy = {
  ...standardPolicy,
  retry: { first: 100, max: 400, jitter: 0.25 },
  limits: { connect: 2000, reply: 1000, opening: 3000, transaction: 3000, bytesPerSecond: 1_000_000 },
  poll: 20,
  pause: 100,
  heartbeat: 1000,
}

/** A policy that is content with TLS 1.2 and every level. */
export const lenient: SendingPolicy = { minTls: 'TLSv1.2', floor: 'secure', revocation: 'when_known' }

const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
export const sender = 'billing@payments.test' as Address

export async function openPost(): Promise<Post> {
  await using opened = new AsyncDisposableStack()
  const database = opened.adopt(await testDatabase(), test => test.drop())
  const pool = (config: TestDatabase['owner'], poolSize: number): Knex =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 30_000, poolSize }),
      open => open.close(),
    ).knex
  const owner = pool(database.owner, 3)
  const gateway = pool(database.gateway, 8)
  const queue = opened.adopt(
    await openQueue(database.gateway, { poolSize: 2, onError: () => undefined }),
    boss => boss.stop({ graceful: false }),
  )
  let logged = ''
  const log = openLogger({
    level: 'debug',
    destination: {
      write: (line: string) => {
        logged += line
        return true
      },
    },
  })
  const couriers = new Set<{ stop(deadline: number): Promise<void> }>()
  const stopCouriers: Post['stopCouriers'] = async () => {
    for (const courier of couriers) await courier.stop(2000)
    couriers.clear()
  }
  opened.defer(stopCouriers)
  const application = newId('app', systemClock)
  await owner('applications').insert({
    id: application,
    name: application,
    san: application,
    senders: [sender],
    created_at: systemClock.now(),
  })

  const accept: Post['accept'] = async (...addresses) => {
    const at = systemClock.now()
    const accepted = addresses.map(address => ({
      address: address as Address,
      message: newId('msg', systemClock),
      delivery: newId('dlv', systemClock),
      recipient: newId('rcp', systemClock),
      certificate: randomBytes(20).toString('hex').toUpperCase(),
      ciphertext: randomBytes(2000),
    }))
    await owner('recipients').insert(
      accepted.map(({ recipient, address }) => ({
        id: recipient,
        address,
        kind: 'customer',
        organisation: 'Test',
        state: 'active',
        created_at: at,
        attested_until: new Date('2100-01-01T00:00:00Z'),
      })),
    )
    await owner('certificates').insert(
      accepted.map(({ certificate, recipient }) => ({
        fingerprint: certificate,
        recipient_id: recipient,
        bytes: Buffer.from('not looked at'),
        encryption_subkey: certificate,
        algorithm: 'rsa4096',
        format: 'seipdv1',
        state: 'active',
        accepted_at: at,
      })),
    )
    await gateway.transaction(async trx => {
      await trx('messages').insert(
        accepted.map(({ message }) => ({
          id: message,
          application_id: application,
          sender,
          accepted_at: at,
        })),
      )
      await enqueueDeliveries(
        trx,
        queue,
        accepted.map(({ message, delivery, recipient, certificate, ciphertext, address }) => ({
          id: message,
          acceptedAt: at,
          deliveries: [
            {
              id: delivery,
              recipient: {
                recipient,
                certificate: { fingerprint: certificate, encryptionSubkey: certificate, format: 'seipdv1' },
              },
              outer: {
                from: sender,
                to: address,
                date: 'Fri, 20 Nov 2026 20:35:55 +0000',
                messageId: `<${delivery}@gateway.test>`,
              },
              ciphertext: ciphertext as unknown as Ciphertext,
              giveUpHours: 24,
            },
          ],
        })),
      )
    })
    return accepted
  }

  const acceptOne: Post['acceptOne'] = async address => {
    const [accepted] = await accept(address)
    if (accepted === undefined) throw new Error('nothing accepted')
    return accepted
  }

  const post: Omit<Post, 'close'> = {
    database,
    owner,
    gateway,
    queue,
    log,
    logged: () => logged,
    accept,
    acceptOne,
    route: (domain, rule) => setDestination(owner, domain, rule),
    startCourier(settings = {}) {
      const { policy, knex = gateway, allowed = loopback, lookup, ...rest } = settings
      const courier = openCourier({
        knex,
        queue,
        clock: systemClock,
        log,
        mailHost: 'gateway.test',
        findRoute: openRoutes({
          ...alone,
          knex,
          dns: lookup === undefined ? loopbackDns : hostsAt(lookup),
          mayConnect: peerGuard(allowed),
        }),
        publicCa: undefined,
        admit: bytes => bytes as Ciphertext,
        policyAt: () => Promise.resolve(lenient),
        random: () => 0.5,
        ...rest,
        policy: { ...hasty, ...policy },
      })
      couriers.add(courier)
      return {
        async stop(deadline = 2000) {
          couriers.delete(courier)
          await courier.stop(deadline)
        },
      }
    },
    stopCouriers,
    async status(message) {
      const [status] = await deliveriesOf(owner, message)
      if (status === undefined) throw new Error('no such delivery')
      return status
    },
    async until(message, condition) {
      const deadline = performance.now() + 20_000
      for (;;) {
        const status = await post.status(message)
        if (condition(status)) return status
        if (performance.now() > deadline)
          throw new Error(
            `still ${JSON.stringify(status)}; log:\n${logged
              .split('\n')
              .filter(line => !line.includes('"debug"'))
              .slice(-8)
              .join('\n')}`,
          )
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    },
  }
  const resources = opened.move()
  return Object.assign(post, { close: () => resources.disposeAsync() })
}

/** The domain's rule for a server on loopback under the name `mx.test`. */
export function pinnedTo(
  ca: string,
  port: number,
  tls: 'starttls' | 'implicit' = 'starttls',
): DestinationRule {
  return { mode: 'pinned', hosts: [{ name: 'mx.test', port, tls }], pins: { ca } }
}
