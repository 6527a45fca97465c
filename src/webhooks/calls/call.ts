import type { Knex } from 'knex'
import type { OpenWebhookSecret } from '../../custody/index.ts'
import type { Clock, WebhookId } from '../../kernel/index.ts'
import type { Poster } from '../../platform/https/index.ts'
import { findUpdates, letters, tellUpdate, type Update } from '../../updates/index.ts'
import { signedHeaders } from '../sign.ts'
import { type Claimed, findSecrets } from './store.ts'

/** How one attempt ended. `gone`: its receiver wants no more calls, ever (410). `forgotten`: there is nothing left to tell. */
export interface Attempted {
  readonly call: Claimed
  readonly at: Date
  readonly end: 'delivered' | 'failed' | 'gone' | 'forgotten'
  readonly status: number | null
  /** As a code; null: it did not fail. */
  readonly failure: string | null
}

export interface CallDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly poster: Poster
  readonly openSecret: OpenWebhookSecret
}

/** A call with all that making it takes. */
export interface Prepared {
  readonly call: Claimed
  /** Undefined: it was kept long enough. */
  readonly update: Update | undefined
  readonly secrets: readonly Uint8Array[]
}

/** What the calls say, and what signs them now. */
export async function prepareCalls(
  { knex, clock, openSecret }: CallDependencies,
  calls: readonly Claimed[],
): Promise<readonly Prepared[]> {
  const updates = await findUpdates(
    knex,
    calls.flatMap(({ update }) => update ?? []),
  )
  const webhooks = [...new Set(calls.map(({ webhook }) => webhook))]
  const secrets = new Map<WebhookId, Uint8Array[]>(webhooks.map(webhook => [webhook, []]))
  for (const stored of await findSecrets(knex, webhooks, clock.now())) {
    secrets.get(stored.webhook)?.push(openSecret(stored.webhook, stored))
  }
  return calls.map(call => ({
    call,
    update: call.update === null ? undefined : updates.get(call.update),
    secrets: secrets.get(call.webhook) ?? [],
  }))
}

/** One attempt. Never rejects. Anything but an answer of 2xx has failed. */
export async function makeCall(
  { clock, poster }: CallDependencies,
  { call, update, secrets }: Prepared,
): Promise<Attempted> {
  const at = clock.now()
  const end = (ended: Attempted['end'], status: number | null, failure: string | null): Attempted => ({
    call,
    at: clock.now(),
    end: ended,
    status,
    failure,
  })
  if (call.update !== null && update === undefined) return end('forgotten', null, 'forgotten')
  // A webhook that was removed since.
  if (secrets.length === 0) return end('forgotten', null, 'no_secret')
  const told =
    update === undefined
      ? { type: 'webhook.test', timestamp: at.toISOString(), data: { webhook: call.webhook } }
      : tellUpdate(update)
  const body = Buffer.from(JSON.stringify(told))
  const headers = signedHeaders(`call-${letters(BigInt(call.id))}`, at, body, secrets)
  const reply = await poster.post(new URL(call.url), body, 'application/json', headers)
  if (!reply.ok) return end('failed', null, reply.failure)
  const { status } = reply
  if (status >= 200 && status < 300) return end('delivered', status, null)
  return end(status === 410 ? 'gone' : 'failed', status, `status_${status}`)
}
