import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../audit/index.ts'
import { openWebhookSecretMaker } from '../custody/index.ts'
import { type Clock, isId, newId, SealpostError, type WebhookId } from '../kernel/index.ts'
import {
  allWebhooks,
  callState,
  deleteWaiting,
  endSecrets,
  findApplicationNamed,
  insertSecret,
  insertTestCall,
  insertWebhook,
  lockWebhook,
  markEnabled,
  markRemoved,
} from './store.ts'
import { parseWebhookUrl } from './url.ts'
import type { WebhookSummary } from './webhook.ts'

const host: Actor = { kind: 'host' }
const batch = 5_000

/** A webhook's new secret, which nobody can see again. */
export interface Secreted {
  readonly id: WebhookId
  readonly secret: string
}

/**
 * From now on an application is told there what becomes of its deliveries. Throws `usage` for a URL that cannot be called, `not_found`
 * when no application in force has that name, `key_missing`, `passphrase_wrong`.
 */
export async function addWebhook(
  knex: Knex,
  clock: Clock,
  { application: name, url: text }: { readonly application: string; readonly url: string },
  passphrase: string,
): Promise<Secreted> {
  const url = parseWebhookUrl(text)
  const application = await findApplicationNamed(knex, name)
  if (application === undefined) throw new SealpostError('not_found')
  const makeSecret = await openWebhookSecretMaker(knex, clock, passphrase)
  const id = newId('whk', clock)
  const secret = makeSecret(id)
  await knex.transaction(async trx => {
    await insertWebhook(trx, { id, application, url: url.href }, clock.now())
    await insertSecret(trx, id, secret.wrapped, clock.now())
    await appendEvents(trx, clock, [
      { actor: host, event: { type: 'webhook.added', webhook: id, application, host: url.hostname } },
    ])
  })
  return { id, secret: secret.text }
}

/** All in force, by their applications. */
export function listWebhooks(knex: Knex): Promise<readonly WebhookSummary[]> {
  return allWebhooks(knex)
}

/**
 * A new secret. For `overlap` milliseconds calls are signed by the former one, too, so that their receiver can change over. Throws
 * `not_found`, `key_missing`, `passphrase_wrong`.
 */
export async function rotateSecret(
  knex: Knex,
  clock: Clock,
  webhook: string,
  overlap: number,
  passphrase: string,
): Promise<Secreted> {
  const makeSecret = await openWebhookSecretMaker(knex, clock, passphrase)
  return knex.transaction(async trx => {
    const { id } = await lock(trx, webhook)
    const { text, wrapped } = makeSecret(id)
    const now = clock.now()
    await endSecrets(trx, id, { now, at: new Date(now.getTime() + overlap) })
    await insertSecret(trx, id, wrapped, now)
    await appendEvents(trx, clock, [{ actor: host, event: { type: 'webhook.secret.rotated', webhook: id } }])
    return { id, secret: text }
  })
}

/** Calls it no more. Its secrets are gone, and so are the calls that were not made. Throws `not_found`. */
export async function removeWebhook(knex: Knex, clock: Clock, webhook: string): Promise<void> {
  const removed = await knex.transaction(async trx => {
    const { id } = await lock(trx, webhook)
    await markRemoved(trx, id, clock.now())
    await appendEvents(trx, clock, [{ actor: host, event: { type: 'webhook.removed', webhook: id } }])
    return id
  })
  // A crash here leaves calls that nobody makes; they are forgotten with the others.
  while ((await deleteWaiting(knex, removed, batch)) === batch);
}

/**
 * Calls a disabled one again, of what happens from now on; what it missed stands in the list of messages. Throws `not_found`,
 * `state_conflict` when it is not disabled.
 */
export async function enableWebhook(knex: Knex, clock: Clock, webhook: string): Promise<void> {
  if (!isId('whk', webhook)) throw new SealpostError('not_found')
  const assertDisabled = async (trx: Knex.Transaction): Promise<void> => {
    const { disabledAt } = await lock(trx, webhook)
    if (disabledAt === null) throw new SealpostError('state_conflict')
  }
  await knex.transaction(assertDisabled)
  // Nothing new comes while it is disabled.
  while ((await deleteWaiting(knex, webhook, batch)) === batch);
  await knex.transaction(async trx => {
    await assertDisabled(trx)
    await markEnabled(trx, webhook)
    await appendEvents(trx, clock, [{ actor: host, event: { type: 'webhook.enabled', webhook } }])
  })
}

/**
 * Has it called once, now, to see whether it answers; gives the call. Also a disabled one. Throws `not_found`.
 */
export async function testWebhook(knex: Knex, clock: Clock, actor: Actor, webhook: string): Promise<string> {
  return knex.transaction(async trx => {
    const { id } = await lock(trx, webhook)
    const call = await insertTestCall(trx, id, clock.now())
    await appendEvents(trx, clock, [{ actor, event: { type: 'webhook.tested', webhook: id } }])
    return call
  })
}

/** How a call stands. Throws `not_found`. */
export async function callOutcome(knex: Knex, call: string): Promise<'waiting' | 'delivered' | 'given_up'> {
  const state = await callState(knex, call)
  if (state === undefined) throw new SealpostError('not_found')
  return state
}

async function lock(trx: Knex.Transaction, webhook: string) {
  const found = isId('whk', webhook) ? await lockWebhook(trx, webhook) : undefined
  if (found === undefined) throw new SealpostError('not_found')
  return { id: webhook as WebhookId, ...found }
}
