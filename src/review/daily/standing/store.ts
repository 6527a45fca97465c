import type { Knex } from 'knex'

export interface PendingRow {
  readonly id: string
  readonly kind: string
  readonly subject: string
  readonly askedBy: string
  readonly askedAt: Date
  readonly expiresAt: Date
}

export async function pendingChanges(knex: Knex, at: Date, limit: number): Promise<PendingRow[]> {
  const { rows } = await knex.raw<{ rows: PendingRow[] }>(
    `SELECT c.id, c.kind, c.subject, o.name AS "askedBy", c.asked_at AS "askedAt", c.expires_at AS "expiresAt"
       FROM change_requests c JOIN operators o ON o.id = c.asked_by
      WHERE c.state = 'pending' AND c.expires_at > ? ORDER BY c.expires_at, c.id LIMIT ?`,
    [at, limit],
  )
  return rows
}

export interface EndingRow {
  readonly what: 'certificate' | 'attestation' | 'policy' | 'DKIM key'
  readonly about: string
  /** A fingerprint. */
  readonly detail: string | null
  readonly endsAt: Date
}

/**
 * What ends from `at` on and before `until`: certificates and attestations of recipients who are enrolled, the approval of the
 * policy in force, and DKIM keys, which have no end, a year after they were made.
 */
export async function endingSoon(
  knex: Knex,
  at: Date,
  until: Date,
  limit: number,
): Promise<{ rows: EndingRow[]; count: number }> {
  const { rows } = await knex.raw<{ rows: (EndingRow & { count: number })[] }>(
    `SELECT what, about, detail, ends AS "endsAt", (count(*) OVER ())::int AS count FROM (
       SELECT 'certificate' AS what, r.address AS about, c.fingerprint AS detail, c.expires_at AS ends
         FROM certificates c JOIN recipients r ON r.id = c.recipient_id
        WHERE c.state = 'active' AND r.state <> 'unenrolled' AND c.expires_at >= :at AND c.expires_at < :until
       UNION ALL
       SELECT 'attestation', address, NULL, attested_until FROM recipients
        WHERE state IN ('active', 'suspended') AND attested_until >= :at AND attested_until < :until
       UNION ALL
       SELECT * FROM (SELECT 'policy', policy, NULL, expires_at AS ends FROM policy_records
                       WHERE effective_at <= :until ORDER BY effective_at DESC LIMIT 1) last WHERE ends < :until
       UNION ALL
       SELECT 'DKIM key', selector || '._domainkey.' || domain, NULL, created_at + interval '1 year' FROM dkim_keys
        WHERE retired_at IS NULL AND created_at + interval '1 year' < :until
     ) ending ORDER BY ends, what, about LIMIT :limit`,
    { at, until, limit },
  )
  return {
    rows: rows.map(({ what, about, detail, endsAt }) => ({ what, about, detail, endsAt })),
    count: rows[0]?.count ?? 0,
  }
}

export interface AnchorRow {
  readonly anchor: string
  /** Null when it never took any. */
  readonly size: number | null
  readonly at: Date | null
  readonly state: string | null
}

/** The newest checkpoint that each anchor has, and how the anchor was when it was last tried. */
export async function anchorsAt(knex: Knex): Promise<AnchorRow[]> {
  const { rows } = await knex.raw<{ rows: AnchorRow[] }>(
    `SELECT coalesce(a.anchor, s.anchor) AS anchor, a.size::float8 AS size, a.at, s.state
       FROM (SELECT DISTINCT ON (anchor) anchor, size, at FROM audit_anchors ORDER BY anchor, size DESC) a
       FULL JOIN audit_anchor_states s ON s.anchor = a.anchor ORDER BY 1`,
  )
  return rows
}

export async function lastArchive(knex: Knex): Promise<{ next: number; at: Date } | undefined> {
  const { rows } = await knex.raw<{ rows: { next: number; at: Date }[] }>(
    'SELECT next::float8 AS next, at FROM audit_archives ORDER BY first DESC LIMIT 1',
  )
  return rows[0]
}

/** Events behind the place of the last checkpoint. */
export async function countWaiting(knex: Knex): Promise<number> {
  const { rows } = await knex.raw<{ rows: { count: number }[] }>(
    `SELECT count(*)::int AS count FROM audit_events
      WHERE (xact, seq) > (SELECT xact, seq FROM audit_checkpoints ORDER BY size DESC LIMIT 1)
         OR NOT EXISTS (SELECT FROM audit_checkpoints)`,
  )
  return rows[0]?.count ?? 0
}
