import type { Knex } from 'knex'

export interface Period {
  readonly from: Date
  readonly until: Date
}

// Found by the index audit_events_by_time.
const ofPeriod = 'at >= ? AND at < ?'

export async function countTypes(
  knex: Knex,
  { from, until }: Period,
): Promise<{ type: string; count: number }[]> {
  const { rows } = await knex.raw<{ rows: { type: string; count: number }[] }>(
    `SELECT type, count(*)::int AS count FROM audit_events WHERE ${ofPeriod} GROUP BY type ORDER BY type`,
    [from, until],
  )
  return rows
}

export async function countOutcomes(
  knex: Knex,
  { from, until }: Period,
  types: readonly string[],
): Promise<{ type: string; outcome: string; count: number }[]> {
  const { rows } = await knex.raw<{ rows: { type: string; outcome: string; count: number }[] }>(
    `SELECT type, body::jsonb ->> 'outcome' AS outcome, count(*)::int AS count FROM audit_events
      WHERE ${ofPeriod} AND type = ANY(?::text[]) GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`,
    [from, until, [...types]],
  )
  return rows
}

export interface ActorRow {
  readonly kind: string
  /** Of an application, operator or recipient. */
  readonly id: string | null
  /** Where a peer came from: `loopback`, `private` or `public`. */
  readonly network: string | null
}

/** Who caused an event, without the address: a report is no place for the addresses of people. */
const actor = `
  e #>> '{actor,kind}' AS kind, e #>> '{actor,id}' AS id,
  CASE WHEN e #>> '{actor,address}' IS NULL THEN NULL
       WHEN e #>> '{actor,address}' ~ '^(|::ffff:)127[.]|^::1$' THEN 'loopback'
       WHEN e #>> '{actor,address}' ~ '^(|::ffff:)(10[.]|192[.]168[.]|172[.](1[6-9]|2[0-9]|3[01])[.]|169[.]254[.])|^f[cde]' THEN 'private'
       ELSE 'public' END AS network`

/** An event with `since` tells of several. */
export async function countByActor(
  knex: Knex,
  { from, until }: Period,
  types: readonly string[],
): Promise<(ActorRow & { type: string; code: string | null; count: number })[]> {
  type Row = ActorRow & { type: string; code: string | null; count: number }
  const { rows } = await knex.raw<{ rows: Row[] }>(
    `SELECT type, code, kind, id, network, sum(times)::int AS count FROM (
       SELECT type, coalesce(e ->> 'code', e ->> 'reason') AS code,
              CASE WHEN e ->> 'since' IS NULL THEN 1 ELSE (e ->> 'count')::int END AS times, ${actor}
         FROM (SELECT type, body::jsonb AS e FROM audit_events WHERE ${ofPeriod} AND type = ANY(?::text[])) events
     ) actors GROUP BY 1, 2, 3, 4, 5 ORDER BY count DESC, 1, 2, 3, 4, 5 LIMIT 500`,
    [from, until, [...types]],
  )
  return rows
}

/** Bodies of events, the oldest first, and how many there are in all. */
export async function eventsOfTypes(
  knex: Knex,
  { from, until }: Period,
  types: readonly string[],
  limit: number,
): Promise<{ bodies: string[]; count: number }> {
  const { rows } = await knex.raw<{ rows: { body: string; count: number }[] }>(
    `SELECT body, (count(*) OVER ())::int AS count FROM audit_events
      WHERE ${ofPeriod} AND type = ANY(?::text[]) ORDER BY at, seq LIMIT ?`,
    [from, until, [...types], limit],
  )
  return { bodies: rows.map(({ body }) => body), count: rows[0]?.count ?? 0 }
}

export interface VolumeRow {
  readonly kind: 'application' | 'domain'
  readonly subject: string | null
  readonly count: number
}

/** Messages by application, and deliveries by the domain of their recipient. */
export async function countVolumes(knex: Knex, { from, until }: Period): Promise<VolumeRow[]> {
  const { rows } = await knex.raw<{ rows: VolumeRow[] }>(
    `WITH accepted AS MATERIALIZED (
       SELECT body::jsonb AS e FROM audit_events WHERE ${ofPeriod} AND type = 'message.accepted')
     SELECT 'application' AS kind, e #>> '{actor,id}' AS subject, count(*)::int AS count FROM accepted GROUP BY 2
     UNION ALL
     SELECT 'domain', lower(split_part(r.address, '@', 2)), count(*)::int
       FROM accepted, jsonb_array_elements(e -> 'deliveries') d LEFT JOIN recipients r ON r.id = d ->> 'recipient'
      GROUP BY 2
     ORDER BY count DESC, subject`,
    [from, until],
  )
  return rows
}

/** When the first event was; undefined in an empty log. */
export async function firstEventAt(knex: Knex): Promise<Date | undefined> {
  const { rows } = await knex.raw<{ rows: { at: Date }[] }>(
    'SELECT at FROM audit_events ORDER BY seq LIMIT 1',
  )
  return rows[0]?.at
}

/** What came into the log after its first `size` leaves and has a time before `before`. */
export async function countLate(
  knex: Knex,
  size: number,
  before: Date,
): Promise<{ type: string; count: number }[]> {
  const { rows } = await knex.raw<{ rows: { type: string; count: number }[] }>(
    `SELECT e.type, count(*)::int AS count FROM audit_leaves l JOIN audit_events e ON e.seq = l.seq
      WHERE l.leaf >= ? AND e.at < ? GROUP BY e.type ORDER BY e.type`,
    [size, before],
  )
  return rows
}

export async function namesOf(
  knex: Knex,
): Promise<{ applications: Map<string, string>; operators: Map<string, string> }> {
  const map = async (table: string) => {
    const rows = await knex(table).select<{ id: string; name: string }[]>('id', 'name')
    return new Map(rows.map(({ id, name }) => [id, name]))
  }
  const [applications, operators] = [await map('applications'), await map('operators')]
  return { applications, operators }
}
