import type { Knex } from 'knex'

/** How many transactions of the gateway's role are open in this database. A killed client's end a moment later. */
export async function openTransactions(owner: Knex): Promise<number> {
  const { rows } = await owner.raw<{ rows: object[] }>(
    `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'sealpost_gateway' AND xact_start IS NOT NULL`,
  )
  return rows.length
}
