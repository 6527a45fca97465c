import type { Knex } from 'knex'
import type { Wrapped } from '../custody/index.ts'
import type { ApplicationId, WebhookId } from '../kernel/index.ts'
import type { WebhookSummary } from './webhook.ts'

type Handle = Knex | Knex.Transaction

export async function findApplicationNamed(knex: Handle, name: string): Promise<ApplicationId | undefined> {
  const found = await knex('applications')
    .where({ name })
    .whereNull('revoked_at')
    .select<{ id: ApplicationId }[]>('id')
  return found[0]?.id
}

export async function insertWebhook(
  trx: Knex.Transaction,
  {
    id,
    application,
    url,
  }: { readonly id: WebhookId; readonly application: ApplicationId; readonly url: string },
  at: Date,
): Promise<void> {
  await trx('webhooks').insert({ id, application_id: application, url, created_at: at })
}

/** All in force, by their applications. At most 10,000 waiting calls of each are counted. */
export async function allWebhooks(knex: Knex): Promise<WebhookSummary[]> {
  const { rows } = await knex.raw<{ rows: WebhookSummary[] }>(
    `SELECT w.id, w.application_id AS application, a.name, w.url, w.created_at AS "createdAt", w.called_at AS "calledAt",
            w.last_status AS "lastStatus", w.last_failure AS "lastFailure", w.failing_since AS "failingSince",
            w.disabled_at AS "disabledAt", c.waiting
       FROM webhooks w JOIN applications a ON a.id = w.application_id
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS waiting FROM (
           SELECT FROM webhook_calls WHERE webhook_id = w.id AND state = 'waiting' LIMIT 10000) q) c
      WHERE w.removed_at IS NULL
      ORDER BY a.name, w.id`,
  )
  return rows
}

/** How things stand with one in force, which is locked; undefined: there is none. */
export async function lockWebhook(
  trx: Knex.Transaction,
  id: WebhookId,
): Promise<{ readonly disabledAt: Date | null } | undefined> {
  return trx('webhooks')
    .where({ id })
    .whereNull('removed_at')
    .forNoKeyUpdate()
    .first<{ disabledAt: Date | null } | undefined>({ disabledAt: 'disabled_at' })
}

export async function markRemoved(trx: Knex.Transaction, id: WebhookId, at: Date): Promise<void> {
  await trx('webhooks').where({ id }).update({ removed_at: at })
  await trx('webhook_secrets').where({ webhook_id: id }).delete()
}

export async function markEnabled(trx: Knex.Transaction, id: WebhookId): Promise<void> {
  await trx('webhooks').where({ id }).update({ disabled_at: null, failing_since: null, paused_until: null })
}

export async function insertSecret(
  trx: Knex.Transaction,
  webhook: WebhookId,
  { nonce, sealed }: Wrapped,
  at: Date,
): Promise<void> {
  await trx('webhook_secrets').insert({
    webhook_id: webhook,
    created_at: at,
    nonce: Buffer.from(nonce),
    sealed: Buffer.from(sealed),
  })
}

/** Those that sign now end then, unless they end before; those that ended are gone. */
export async function endSecrets(
  trx: Knex.Transaction,
  webhook: WebhookId,
  { now, at }: { readonly now: Date; readonly at: Date },
): Promise<void> {
  await trx('webhook_secrets').where({ webhook_id: webhook }).where('ends_at', '<=', now).delete()
  await trx.raw('UPDATE webhook_secrets SET ends_at = least(ends_at, ?) WHERE webhook_id = ?', [at, webhook])
}

/** A call that only says that the webhook works. Gives its id. */
export async function insertTestCall(trx: Knex.Transaction, webhook: WebhookId, at: Date): Promise<string> {
  const [call] = await trx('webhook_calls')
    .insert({ webhook_id: webhook, created_at: at, next_attempt_at: at })
    .returning<{ id: string }[]>('id')
  if (call === undefined) throw new Error('an INSERT gives its row')
  return call.id
}

export async function callState(
  knex: Knex,
  id: string,
): Promise<'waiting' | 'delivered' | 'given_up' | undefined> {
  const rows = await knex('webhook_calls')
    .where({ id })
    .select<{ state: 'waiting' | 'delivered' | 'given_up' }[]>('state')
  return rows[0]?.state
}

export async function anyWebhook(knex: Knex): Promise<boolean> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    'SELECT FROM webhooks WHERE removed_at IS NULL AND disabled_at IS NULL LIMIT 1',
  )
  return rowCount > 0
}

/** Drops at most that many calls of one webhook that were not made; gives how many. */
export async function deleteWaiting(knex: Knex, webhook: WebhookId, limit: number): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `DELETE FROM webhook_calls WHERE id IN (
       SELECT id FROM webhook_calls WHERE webhook_id = ? AND state = 'waiting' LIMIT ?)`,
    [webhook, limit],
  )
  return rowCount
}
