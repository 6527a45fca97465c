import type { Knex } from 'knex'

/** A report as it is kept. */
export interface StoredReport {
  /** YYYY-MM-DD. */
  readonly day: string
  readonly at: Date
  /** Leaves of the log when it was made. */
  readonly size: number
  /** Of the checkpoint that the mail tells of. */
  readonly checkpoint: number | null
  /** JSON. */
  readonly facts: string
  /** Markdown. */
  readonly report: string
  readonly sha256: string
  readonly notices: readonly string[]
}

const columns = `to_char(day, 'YYYY-MM-DD') AS day, at, size::float8 AS size, checkpoint::float8 AS checkpoint, facts, report, sha256, notices`

export async function findReport(knex: Knex, day: string): Promise<StoredReport | undefined> {
  const { rows } = await knex.raw<{ rows: StoredReport[] }>(
    `SELECT ${columns} FROM audit_reviews WHERE day = ?::date`,
    [day],
  )
  return rows[0]
}

export async function lastReportedDay(knex: Knex): Promise<string | undefined> {
  const { rows } = await knex.raw<{ rows: { day: string | null }[] }>(
    `SELECT to_char(max(day), 'YYYY-MM-DD') AS day FROM audit_reviews`,
  )
  return rows[0]?.day ?? undefined
}

/** The newest report of a day before this one. */
export async function reportBefore(
  knex: Knex,
  day: string,
): Promise<{ readonly day: string; readonly size: number } | undefined> {
  const { rows } = await knex.raw<{ rows: { day: string; size: number }[] }>(
    `SELECT to_char(day, 'YYYY-MM-DD') AS day, size::float8 AS size FROM audit_reviews
      WHERE day < ?::date ORDER BY day DESC LIMIT 1`,
    [day],
  )
  return rows[0]
}

/** The volumes that reports from one day up to another, not included, have found. */
export async function knownVolumes(knex: Knex, from: Date, until: Date): Promise<Map<string, unknown>> {
  const { rows } = await knex.raw<{ rows: { day: string; volumes: unknown }[] }>(
    `SELECT to_char(day, 'YYYY-MM-DD') AS day, facts::jsonb -> 'volumes' AS volumes FROM audit_reviews
      WHERE day >= (?::timestamptz AT TIME ZONE 'UTC')::date AND day < (?::timestamptz AT TIME ZONE 'UTC')::date`,
    [from, until],
  )
  return new Map(rows.map(({ day, volumes }) => [day, volumes]))
}

const lock = 5_328_401

/** Whoever makes a report waits here for whoever is at it. */
export async function lockReports(trx: Knex.Transaction): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(?)', [lock])
}

export async function insertReport(trx: Knex.Transaction, report: StoredReport): Promise<void> {
  await trx('audit_reviews').insert({ ...report, notices: [...report.notices] })
}

/** Checkpoints that a mail told of which was sent since, and that are not known to be anchored by it. */
export async function mailedCheckpoints(knex: Knex): Promise<readonly number[]> {
  const { rows } = await knex.raw<{ rows: { size: number }[] }>(
    `SELECT r.checkpoint::float8 AS size FROM audit_reviews r
      WHERE r.checkpoint IS NOT NULL AND r.day > current_date - 10
        AND NOT EXISTS (SELECT FROM audit_anchors a WHERE a.anchor = 'mail' AND a.size = r.checkpoint)
        AND EXISTS (SELECT FROM notices n WHERE n.id = ANY (r.notices) AND n.state = 'sent')`,
  )
  return rows.map(({ size }) => size)
}
