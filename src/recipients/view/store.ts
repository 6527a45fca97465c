import type { Knex } from 'knex'
import type { Page, RecipientFilter, RecipientSummary } from '../recipient.ts'

/**
 * A page of recipients, newest first. Each filter goes by an index of its own (migrations/0003-enrolment.ts), and a page
 * by the id of the last recipient of the one before; there is no total, for counting reads everything.
 */
export async function pageOfRecipients(
  knex: Knex,
  { state, kind, organisation, q, expiringBefore }: RecipientFilter,
  { limit, after }: Page,
): Promise<readonly RecipientSummary[]> {
  const conditions: string[] = []
  const bindings: Knex.RawBinding[] = []
  const add = (condition: string, ...values: Knex.RawBinding[]): void => {
    conditions.push(condition)
    bindings.push(...values)
  }
  if (after !== undefined) add('r.id < ?', after)
  if (state !== undefined) add('r.state = ?', state)
  if (kind !== undefined) add('r.kind = ?', kind)
  if (organisation !== undefined) add('r.organisation = ?', organisation)
  if (q !== undefined) {
    const prefix = `${q.toLowerCase().replace(/[\\%_]/g, String.raw`\$&`)}%`
    add('(lower(r.address) LIKE ? OR lower(r.organisation) LIKE ?)', prefix, prefix)
  }
  if (expiringBefore !== undefined) {
    add(
      `r.id IN (SELECT recipient_id FROM certificates WHERE state = 'active' AND expires_at < ?
                UNION SELECT id FROM recipients WHERE attested_until < ?)
       AND r.state <> 'unenrolled'`,
      expiringBefore,
      expiringBefore,
    )
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  // What is joined is looked up line by line, for this page alone: LATERAL with a LIMIT cannot become a scan.
  const { rows } = await knex.raw<{ rows: RecipientSummary[] }>(
    `SELECT r.*, c.fingerprint AS certificate, c.expires_at AS "certificateExpiresAt", p.state AS proposal
       FROM (SELECT r.id, r.address, r.organisation, r.kind, r.state, r.phone, r.retention_days AS "retentionDays",
                    r.attested_until AS "attestedUntil", r.suspended_for AS "suspendedFor", r.created_at AS "createdAt"
               FROM recipients r ${where} ORDER BY r.id DESC LIMIT ?) r
       LEFT JOIN LATERAL (SELECT fingerprint, expires_at FROM certificates
                           WHERE recipient_id = r.id AND state = 'active' LIMIT 1) c ON true
       LEFT JOIN LATERAL (SELECT state FROM proposals
                           WHERE recipient_id = r.id AND state NOT IN ('activated', 'dropped') LIMIT 1) p ON true
      ORDER BY r.id DESC`,
    [...bindings, limit],
  )
  return rows
}
