import type { Knex } from 'knex'

/** What must be true of the tables after every commit, by name; each query finds what breaks it. */
const invariants = {
  'a message has a delivery': `
    SELECT id FROM messages m WHERE NOT EXISTS (SELECT FROM deliveries WHERE message_id = m.id)`,
  'a message was audited, and what was audited is there': `
    SELECT coalesce(m.id, a.body::jsonb ->> 'message') FROM messages m
      FULL JOIN (SELECT * FROM audit_events WHERE type = 'message.accepted') a ON a.body::jsonb ->> 'message' = m.id
     WHERE m.id IS NULL OR a.id IS NULL`,
  'an open delivery has one job, and a settled one has none': `
    SELECT d.id || ' ' || d.state || ' ' || count(j.id) FROM deliveries d
      LEFT JOIN pgboss.job j ON j.data ->> 'delivery' = d.id AND j.state IN ('created', 'retry', 'active')
     GROUP BY d.id HAVING count(j.id) <> (d.state IN ('queued', 'sending'))::int`,
  'a job has a delivery': `
    SELECT j.id::text FROM pgboss.job j LEFT JOIN deliveries d ON d.id = j.data ->> 'delivery' WHERE d.id IS NULL`,
  'an open delivery has its ciphertext, and a settled one has none': `
    SELECT id FROM deliveries WHERE (ciphertext IS NOT NULL) <> (state IN ('queued', 'sending'))`,
  'a settled delivery has an outcome and a time': `
    SELECT id FROM deliveries
     WHERE (state IN ('delivered', 'failed')) <> (settled_at IS NOT NULL)
        OR (state = 'delivered' AND outcome <> 'delivered') OR (state = 'failed' AND outcome IS NULL)`,
  'a delivered delivery has the attempt that delivered it': `
    SELECT id FROM deliveries d WHERE state = 'delivered'
       AND NOT EXISTS (SELECT FROM attempts WHERE delivery_id = d.id AND outcome = 'delivered')`,
  'an attempt was audited once, and what was audited is there': `
    SELECT coalesce(t.delivery_id, a.delivery) FROM attempts t
      FULL JOIN (SELECT body::jsonb ->> 'delivery' AS delivery, (body::jsonb ->> 'attempt')::int AS number, count(*) AS times
                   FROM audit_events WHERE type LIKE 'delivery.%' GROUP BY 1, 2) a
             ON a.delivery = t.delivery_id AND a.number = t.number
     WHERE t.delivery_id IS NULL OR a.delivery IS NULL OR a.times <> 1`,
} as const

/** The names of the invariants that do not hold, each with what breaks it. Empty: all is well. */
export async function brokenInvariants(owner: Knex): Promise<string[]> {
  const broken: string[] = []
  for (const [name, query] of Object.entries(invariants)) {
    const { rows } = await owner.raw<{ rows: object[] }>(query)
    if (rows.length > 0) broken.push(`${name}: ${JSON.stringify(rows.slice(0, 3))} (${rows.length})`)
  }
  return broken
}
