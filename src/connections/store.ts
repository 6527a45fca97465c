import type { Knex } from 'knex'

/** When connections of a kind were last made, as far as something durable came of it. */
export interface LastUse {
  readonly api: Date | null
  readonly console: Date | null
  readonly public: Date | null
  readonly smtp: Date | null
  readonly discovery: Date | null
  readonly mtaSts: Date | null
  readonly revocation: Date | null
  readonly syslog: Date | null
  readonly witness: Date | null
}

export async function findLastUse(knex: Knex): Promise<LastUse> {
  const { rows } = await knex.raw<{ rows: LastUse[] }>(`
    SELECT (SELECT accepted_at FROM messages ORDER BY id DESC LIMIT 1) AS api,
           (SELECT max(last_seen_at) FROM operator_sessions) AS console,
           (SELECT max(used_at) FROM recipient_links) AS public,
           (SELECT max(finished_at) FROM (SELECT finished_at FROM attempts ORDER BY delivery_id DESC LIMIT 1000) a) AS smtp,
           (SELECT max(refreshed_at) FROM certificates) AS discovery,
           (SELECT max(fetched_at) FROM mta_sts_policies) AS "mtaSts",
           (SELECT max(fetched_at) FROM revocation_lists) AS revocation,
           (SELECT updated_at FROM audit_followers WHERE name = 'syslog') AS syslog,
           (SELECT max(tried_at) FROM audit_anchor_states WHERE anchor LIKE 'witness/%') AS witness`)
  const [found] = rows
  if (found === undefined) throw new Error('a SELECT without FROM gives a row')
  return found
}

/** The CAs (PEM) that pinned destinations rest on; those of a thousand domains at most. */
export async function findPinnedCas(
  knex: Knex,
): Promise<readonly { readonly domain: string; readonly ca: string }[]> {
  const { rows } = await knex.raw<{ rows: { domain: string; ca: string }[] }>(`
    SELECT domain, rule -> 'pins' ->> 'ca' AS ca FROM destinations
     WHERE rule -> 'pins' ->> 'ca' IS NOT NULL ORDER BY domain LIMIT 1000`)
  return rows
}

/** Where webhooks lead, those of a thousand origins at most: no paths, which may be secrets. */
export async function findWebhooks(
  knex: Knex,
): Promise<readonly { readonly origin: string; readonly calledAt: Date | null }[]> {
  const { rows } = await knex.raw<{ rows: { origin: string; calledAt: Date | null }[] }>(`
    SELECT 'https://' || split_part(url, '/', 3) AS origin, max(called_at) AS "calledAt" FROM webhooks
     WHERE removed_at IS NULL GROUP BY 1 ORDER BY 1 LIMIT 1000`)
  return rows
}

/** What PostgreSQL says of itself and of the very connection that asked. */
export interface ServerFacts {
  readonly role: string
  readonly superuser: boolean
  readonly version: string
  readonly tls: string | null
  readonly cipher: string | null
  readonly fsync: string
  readonly fullPageWrites: string
  readonly synchronousCommit: string
  readonly now: Date
}

export async function askServer(knex: Knex): Promise<ServerFacts> {
  const { rows } = await knex.raw<{ rows: ServerFacts[] }>(`
    SELECT current_user AS role, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
           current_setting('server_version') AS version, s.version AS tls, s.cipher,
           current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
           current_setting('synchronous_commit') AS "synchronousCommit", clock_timestamp() AS now
      FROM (SELECT 1) one LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()`)
  const [facts] = rows
  if (facts === undefined) throw new Error('this query gives a row')
  return facts
}
