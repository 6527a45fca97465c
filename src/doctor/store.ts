import type { Knex } from 'knex'

/** Domains of enrolled recipients that have no rule; a hundred at most. */
export async function findUnroutedDomains(knex: Knex): Promise<readonly string[]> {
  const { rows } = await knex.raw<{ rows: { domain: string }[] }>(`
    SELECT DISTINCT lower(split_part(address, '@', 2)) AS domain FROM recipients r
     WHERE state <> 'unenrolled'
       AND NOT EXISTS (SELECT FROM destinations d WHERE d.domain = lower(split_part(r.address, '@', 2)))
     ORDER BY domain LIMIT 100`)
  return rows.map(({ domain }) => domain)
}
