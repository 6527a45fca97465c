import type { Knex } from 'knex'
import type { ExposedDelivery, Span } from './report.ts'

export async function certificateKnown(knex: Knex, fingerprint: string): Promise<boolean> {
  return (await knex('certificates').where({ fingerprint }).first('fingerprint')) !== undefined
}

export async function countExposed(knex: Knex, { certificate, since, until }: Span): Promise<number> {
  const { rows } = await knex.raw<{ rows: [{ count: number }] }>(
    `SELECT count(*)::int AS count FROM deliveries
      WHERE certificate = ? AND accepted_at >= ? AND accepted_at <= ?`,
    [certificate, since, until],
  )
  return rows[0].count
}

/** The next deliveries in their order of acceptance. An attempt that delivered came furthest, then one with TLS. */
export async function pageOfExposed(
  knex: Knex,
  { certificate, since, until }: Span,
  after: Pick<ExposedDelivery, 'acceptedAt' | 'delivery'> | undefined,
): Promise<readonly ExposedDelivery[]> {
  const { rows } = await knex.raw<{ rows: ExposedDelivery[] }>(
    `SELECT d.message_id AS message, d.id AS delivery, m.application_id AS application, p.name AS "applicationName",
            d.address, d.encryption_subkey AS "encryptionSubkey", d.accepted_at AS "acceptedAt", d.state, d.outcome, d.attempts, d.settled_at AS "settledAt",
            a.host, a.tls
       FROM deliveries d
       JOIN messages m ON m.id = d.message_id
       JOIN applications p ON p.id = m.application_id
       LEFT JOIN LATERAL (
         SELECT host, tls FROM attempts WHERE delivery_id = d.id
          ORDER BY outcome = 'delivered' DESC, tls IS NOT NULL DESC, number DESC LIMIT 1
       ) a ON true
      WHERE d.certificate = ? AND d.accepted_at >= ? AND d.accepted_at <= ? AND (d.accepted_at, d.id) > (?, ?)
      ORDER BY d.accepted_at, d.id LIMIT 500`,
    [certificate, since, until, after?.acceptedAt ?? new Date(0), after?.delivery ?? ''],
  )
  return rows
}
