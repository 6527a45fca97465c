import type { Knex } from 'knex'

const batch = 100_000

/**
 * Appends events by SQL, as many as an hour of work has and as long as they are, with their real hashes; 100,000 in a
 * transaction. They are under no replica's care: nothing has taken them into the log.
 */
export async function fillEvents(owner: Knex, count: number): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    const last = Math.min(count, first + batch) - 1
    await owner.raw(
      `INSERT INTO audit_events (id, at, type, body, hash)
       SELECT e.id, e.at, 'delivery.delivered', e.body, sha256('\\x00'::bytea || convert_to(e.body, 'UTF8'))
         FROM (SELECT 'evt_bench' || n AS id, now() AS at,
                      '{"actor":{"kind":"gateway"},"at":"2026-01-01T00:00:00.000Z","attempt":1,"delivery":"dlv_bench' || n
                      || '","host":"mail' || n % 500 || '.bank.test","id":"evt_bench' || n
                      || '","message":"msg_bench' || n / 2 || '","replyCode":250,"replySha256":"' || md5(n::text) || md5(n::text)
                      || '","result":"success","salt":"' || md5((n * 7)::text)
                      || '","tls":{"cipher":"TLS_AES_256_GCM_SHA384","group":"X25519MLKEM768","level":"pinned","version":"TLSv1.3"},"type":"delivery.delivered"}'
                      AS body
                 FROM generate_series(?::bigint, ?::bigint) AS n) AS e`,
      [first, last],
    )
  }
}
