import type { Knex } from 'knex'
import type { WebhookId } from '../../kernel/index.ts'
import { pause } from './schedule.ts'

/** A call to make, claimed for a while. */
export interface Claimed {
  readonly id: string
  readonly webhook: WebhookId
  readonly url: string
  /** Null: a test. */
  readonly update: string | null
  /** With this one: the fencing token. */
  readonly attempts: number
}

export interface Claim {
  readonly now: Date
  /** When it is anybody's again, if nothing was recorded until then. */
  readonly leaseUntil: Date
  /** At most that many now, and that many at once of one webhook. */
  readonly places: number
  readonly perWebhook: number
  /** How many of each this replica has in hand. */
  readonly inHand: ReadonlyMap<WebhookId, number>
}

/**
 * Claims calls that are due. Of one message never a second while the first is not settled. Of a webhook that fails one at a time,
 * after a pause: it takes no places from others. Tests wait for nothing.
 */
export async function claimCalls(
  knex: Knex,
  { now, leaseUntil, places, perWebhook, inHand }: Claim,
): Promise<Claimed[]> {
  const bindings = {
    webhooks: [...inHand.keys()],
    counts: [...inHand.values()],
    now,
    leaseUntil,
    places,
    perWebhook,
  }
  const { rows } = await knex.raw<{ rows: Claimed[] }>(
    `WITH busy AS (SELECT * FROM unnest(:webhooks::text[], :counts::int[]) AS b (webhook, count)),
     due AS (
       SELECT c.id, w.url FROM webhooks w
         JOIN applications a ON a.id = w.application_id AND a.revoked_at IS NULL
         LEFT JOIN busy b ON b.webhook = w.id
        CROSS JOIN LATERAL (
          SELECT id FROM webhook_calls c
           -- What is of the webhook alone is judged once, before its calls are looked at.
           WHERE w.removed_at IS NULL AND w.disabled_at IS NULL AND coalesce(w.paused_until <= :now, true)
             AND c.webhook_id = w.id AND c.state = 'waiting' AND c.next_attempt_at <= :now AND c.update_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM webhook_calls e WHERE e.webhook_id = c.webhook_id AND e.message_id = c.message_id
                                AND e.state = 'waiting' AND e.id < c.id)
           ORDER BY c.next_attempt_at, c.id
           LIMIT greatest(0, CASE WHEN w.failing_since IS NULL THEN :perWebhook ELSE 1 END - coalesce(b.count, 0))
           FOR NO KEY UPDATE SKIP LOCKED) c
        LIMIT :places),
     tests AS (
       SELECT c.id, w.url FROM webhook_calls c JOIN webhooks w ON w.id = c.webhook_id
        WHERE c.state = 'waiting' AND c.update_id IS NULL AND c.next_attempt_at <= :now AND w.removed_at IS NULL
        LIMIT :places
        FOR NO KEY UPDATE OF c SKIP LOCKED)
     UPDATE webhook_calls c SET attempts = c.attempts + 1, next_attempt_at = :leaseUntil
       FROM (SELECT * FROM due UNION ALL SELECT * FROM tests) mine WHERE c.id = mine.id
     RETURNING c.id::text, c.webhook_id AS webhook, mine.url, c.update_id::text AS update, c.attempts`,
    bindings as Record<string, Knex.Value>,
  )
  return rows.toSorted((one, other) => Number(BigInt(one.id) - BigInt(other.id)))
}

export interface StoredSecret {
  readonly webhook: WebhookId
  readonly nonce: Uint8Array
  readonly sealed: Uint8Array
}

/** What signs now, the newest first. */
export async function findSecrets(
  knex: Knex,
  webhooks: readonly WebhookId[],
  now: Date,
): Promise<StoredSecret[]> {
  const { rows } = await knex.raw<{ rows: StoredSecret[] }>(
    `SELECT webhook_id AS webhook, nonce, sealed FROM webhook_secrets
      WHERE webhook_id = ANY(?) AND coalesce(ends_at > ?, true) ORDER BY created_at DESC`,
    [[...webhooks], now],
  )
  return rows
}

/** What an attempt makes of its call. */
export interface Settled {
  readonly id: string
  readonly attempts: number
  readonly state: 'waiting' | 'delivered' | 'given_up'
  /** Of one that waits. */
  readonly nextAttemptAt: Date | null
}

/** Writes what is still as it was claimed; gives the ids of those. */
export async function settleCalls(
  trx: Knex.Transaction,
  settled: readonly Settled[],
  at: Date,
): Promise<ReadonlySet<string>> {
  const { rows } = await trx.raw<{ rows: { id: string }[] }>(
    `UPDATE webhook_calls c
        SET state = s.state, next_attempt_at = coalesce(s.next_attempt_at, c.next_attempt_at),
            settled_at = CASE WHEN s.state <> 'waiting' THEN ?::timestamptz END
       FROM unnest(?::bigint[], ?::int[], ?::text[], ?::timestamptz[]) AS s (id, attempts, state, next_attempt_at)
      WHERE c.id = s.id AND c.attempts = s.attempts AND c.state = 'waiting'
      RETURNING c.id::text`,
    [
      at,
      settled.map(({ id }) => id),
      settled.map(({ attempts }) => attempts),
      settled.map(({ state }) => state),
      // knex's types know no array with nulls.
      settled.map(({ nextAttemptAt }) => nextAttemptAt) as Date[],
    ],
  )
  return new Set(rows.map(({ id }) => id))
}

/** What comes after calls that wait, of the same message, waits as long: nobody looks at it before. */
export async function holdBack(trx: Knex.Transaction, settled: readonly Settled[]): Promise<void> {
  await trx.raw(
    `UPDATE webhook_calls l SET next_attempt_at = s.next_attempt_at
       FROM unnest(?::bigint[], ?::timestamptz[]) AS s (id, next_attempt_at) JOIN webhook_calls c ON c.id = s.id
      WHERE l.webhook_id = c.webhook_id AND l.message_id = c.message_id AND l.state = 'waiting' AND l.id > c.id`,
    [settled.map(({ id }) => id), settled.map(({ nextAttemptAt }) => nextAttemptAt) as Date[]],
  )
}

/** How a webhook did lately. */
export interface Standing {
  readonly webhook: WebhookId
  readonly at: Date
  readonly status: number | null
  readonly failure: string | null
  /** Whether anything succeeded: `yes`, `no`; `unsaid` when only a test failed. */
  readonly succeeded: 'yes' | 'no' | 'unsaid'
}

/** Writes how webhooks did; gives since when each that failed has been failing. In the order of ids, so that two never wait for each other. */
export async function noteStandings(
  trx: Knex.Transaction,
  standings: readonly Standing[],
): Promise<ReadonlyMap<WebhookId, Date>> {
  const inOrder = standings.toSorted((one, other) => (one.webhook < other.webhook ? -1 : 1))
  await trx('webhooks')
    .whereIn(
      'id',
      inOrder.map(({ webhook }) => webhook),
    )
    .orderBy('id')
    .forNoKeyUpdate()
    .select('id')
  const { rows } = await trx.raw<{ rows: { id: WebhookId; failingSince: Date | null }[] }>(
    `UPDATE webhooks w
        SET called_at = s.at, last_status = s.status, last_failure = s.failure,
            failing_since = CASE s.succeeded WHEN 'yes' THEN NULL WHEN 'no' THEN coalesce(w.failing_since, s.at)
                                             ELSE w.failing_since END,
            paused_until = CASE s.succeeded WHEN 'yes' THEN NULL
                                            WHEN 'no' THEN CASE WHEN w.failing_since IS NOT NULL THEN
                                              s.at + least(greatest((s.at - w.failing_since) / 2, ?::interval), ?::interval) END
                                            ELSE w.paused_until END
       FROM unnest(?::text[], ?::timestamptz[], ?::int[], ?::text[], ?::text[]) AS s (webhook, at, status, failure, succeeded)
      WHERE w.id = s.webhook
      RETURNING w.id, w.failing_since AS "failingSince"`,
    [
      `${pause.least} seconds`,
      `${pause.most} seconds`,
      inOrder.map(({ webhook }) => webhook),
      inOrder.map(({ at }) => at),
      inOrder.map(({ status }) => status) as number[],
      inOrder.map(({ failure }) => failure) as string[],
      inOrder.map(({ succeeded }) => succeeded),
    ],
  )
  return new Map(rows.flatMap(({ id, failingSince }) => (failingSince === null ? [] : [[id, failingSince]])))
}

/** Whether it was not disabled before. */
export async function disable(trx: Knex.Transaction, webhook: WebhookId, at: Date): Promise<boolean> {
  const changed = await trx('webhooks')
    .where({ id: webhook })
    .whereNull('disabled_at')
    .whereNull('removed_at')
    .update({ disabled_at: at })
  return changed > 0
}

/** Forgets at most that many calls that were settled before a time, or whose webhook is disabled or gone, or its application; gives how many. */
export async function deleteCalls(knex: Knex, before: Date, limit: number): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `DELETE FROM webhook_calls WHERE id IN (
       (SELECT id FROM webhook_calls WHERE state <> 'waiting' AND settled_at < ? LIMIT ?)
       UNION ALL
       (SELECT c.id FROM webhooks w JOIN applications a ON a.id = w.application_id JOIN webhook_calls c ON c.webhook_id = w.id
         WHERE (w.disabled_at IS NOT NULL OR w.removed_at IS NOT NULL OR a.revoked_at IS NOT NULL) AND c.state = 'waiting' AND c.update_id IS NOT NULL LIMIT ?))`,
    [before, limit, limit],
  )
  return rowCount
}
