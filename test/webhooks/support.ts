import { randomInt } from 'node:crypto'
import { type ApplicationId, newId, systemClock, type WebhookId } from '../../src/kernel/index.ts'
import { openFetcher } from '../../src/platform/https/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { type Caller, type CallerOptions, startCaller } from '../../src/webhooks/calls/caller.ts'
import { type Accepted, openPost, type Post } from '../support/post.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** A database, receivers and callers; no gateway. */
export interface Bench {
  readonly post: Post
  readonly authority: Identity
  receiver(): Promise<Receiver>
  add(receiver: Pick<Receiver, 'url'>): Promise<WebhookId>
  start(options?: Partial<CallerOptions> & { readonly deadline?: number; readonly private?: false }): Caller
  /** Another attempt at a delivery failed for now, or it is over. */
  happens(accepted: Accepted, attempt: number, state?: 'queued' | 'delivered'): Promise<void>
  stopAll(): Promise<void>
  close(): Promise<void>
}

const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const

export async function openBench(): Promise<Bench> {
  const post = await openPost()
  const authority = await createAuthority({ commonName: 'test web CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  const [application] = await post.owner('applications').select<{ id: ApplicationId }[]>('id')
  const receivers: Receiver[] = []
  const callers = new Set<Caller>()
  const stopAll = async (): Promise<void> => {
    for (const caller of callers) await caller.stop(100)
    callers.clear()
    for (const receiver of receivers.splice(0)) await receiver.close()
    await post.owner('webhooks').update({ removed_at: new Date() })
  }
  return {
    post,
    authority,
    async receiver() {
      const started = await startReceiver(identity)
      receivers.push(started)
      return started
    },
    async add({ url }) {
      const id = newId('whk', systemClock)
      const at = new Date()
      await post.owner('webhooks').insert({ id, application_id: application?.id, url, created_at: at })
      const nothing = Buffer.alloc(1)
      await post
        .owner('webhook_secrets')
        .insert({ webhook_id: id, created_at: at, nonce: nothing, sealed: nothing })
      return id
    },
    start({ deadline = 30_000, private: allowed, ...options } = {}) {
      const caller = startCaller({
        knex: post.gateway,
        clock: systemClock,
        log: post.log,
        random: () => randomInt(1000) / 1000,
        openSecret: () => Buffer.alloc(32, 7),
        poster: openFetcher({
          ca: authority.certificate,
          allowedNetworks: allowed === false ? [] : loopback,
          deadline,
        }),
        every: 20,
        ...options,
      })
      callers.add(caller)
      return caller
    },
    async happens({ delivery }, attempts, state = 'queued') {
      const outcome = state === 'delivered' ? 'delivered' : 'greylisted'
      await post.gateway('deliveries').where({ id: delivery }).update({ attempts, state, outcome })
    },
    stopAll,
    async close() {
      await stopAll()
      await post.close()
    },
  }
}
