import type { Knex } from 'knex'

const recipients = 20_000
const applications = 5

/** The `i`-th id of a kind, fingerprint or moment of {@link fillYear}. */
export const idOf = (prefix: string, i: number): string => `${prefix}_${String(i).padStart(26, '0')}`
export const keyOf = (i: number): string => `E${i.toString(16).toUpperCase().padStart(39, '0')}`

const id = (prefix: string, i: string): string => `'${prefix}_' || lpad((${i})::text, 26, '0')`
const tls = `{"asked":"auto","certificateSha256":"${'ab'.repeat(32)}","chainSha256":["${'ab'.repeat(32)}","${'cd'.repeat(32)}"],"cipher":"TLS_AES_256_GCM_SHA384","group":"X25519MLKEM768","requireTls":true,"revocation":"good","rule":"dane","version":"TLSv1.3"}`

/** SQL of a JSON text: members whose values are SQL of text, or JSON as it is when they begin with a brace, a bracket or a digit. */
function jsonOf(members: Readonly<Record<string, string>>): string {
  const parts = Object.entries(members).map(([name, value]) =>
    /^[[{0-9]/.test(value) ? `'"${name}":${value}'` : `'"${name}":"' || ${value} || '"'`,
  )
  return parts.join(` || ',' || `)
}

/**
 * A year of a gateway: for each of `count` deliveries five events, all in the log, without tiles and checkpoints. Recipient
 * `n % 20000`; application 1 to 4, the fifth once in 5000; one in 1000 fails, one in three is deferred first; one in
 * 200,000, and the last twenty, have not ended. As the database's owner.
 */
export async function fillYear(owner: Knex, count: number): Promise<void> {
  const at = `timestamptz '2026-01-01' + leaf * interval '1 year' / ${5 * count}`
  await owner.raw(`
    INSERT INTO applications (id, name, san, senders, created_at)
      SELECT ${id('app', 'i')}, 'application ' || i, 'URI:urn:' || i, '{a@b.test}', now() FROM generate_series(1, ${applications}) i;
    INSERT INTO recipients (id, address, kind, organisation, state, created_at)
      SELECT ${id('rcp', 'i')}, 'person' || i || '@org' || i % 1000 || '.test', 'supplier', 'Organisation', 'active', now()
        FROM generate_series(0, ${recipients - 1}) i;
    INSERT INTO certificates (fingerprint, recipient_id, bytes, encryption_subkey, algorithm, format, state, accepted_at)
      SELECT 'E' || upper(lpad(to_hex(i), 39, '0')), ${id('rcp', 'i')}, '', 'C' || upper(lpad(to_hex(i), 39, '0')),
             'ecdh-curve25519', 'seipdv2', 'active', now() FROM generate_series(0, ${recipients - 1}) i`)
  const gateway = { actor: '{"kind":"gateway"}', result: `'success'` }
  const key = (letter: string) => `'${letter}' || upper(lpad(to_hex(r), 39, '0'))`
  const accepted = `'"deliveries":[{' || ${jsonOf({ certificate: key('E'), ciphertextSha256: `'${'0'.repeat(64)}'`, ciphertextBytes: '2048', delivery: id('dlv', 'n'), encryptionSubkey: key('C'), recipient: id('rcp', 'r') })} || '}]'`
  const attempt = { attempt: '1', host: `'mx.org.test'`, tls, replyCode: '250' }
  const eventsOf = `
    (5 * n::bigint, 'message.accepted', ${accepted} || ',"actor":{"kind":"application","id":"' || ${id('app', 'a')} || '"},' || ${jsonOf({ result: `'success'`, message: id('msg', 'n') })}),
    (5 * n::bigint + 1, CASE WHEN n % 50 = 0 THEN 'operator.signed_in' ELSE 'request.refused' END, CASE WHEN n % 50 = 0
      THEN '"actor":{"kind":"operator","id":"' || ${id('opr', 'n % 37')} || '"},"result":"success"'
      ELSE '"actor":{"kind":"peer","address":"10.0.' || n % 7 || '.' || n % 251 || '"},' ||
        ${jsonOf({ result: `'failure'`, code: `(ARRAY['not_found', 'invalid_request', 'role_missing', 'sealed'])[1 + n % 4]`, recipients: '[]', unknownRecipients: '0' })} END),
    (5 * n::bigint + 2, CASE WHEN n % 3 = 0 AND n > 0 THEN 'delivery.deferred' ELSE 'notice.queued' END, CASE WHEN n % 3 = 0 AND n > 0
      THEN ${jsonOf({ ...gateway, ...attempt, result: `'failure'`, delivery: id('dlv', 'n - 1'), outcome: `CASE WHEN n % 3000 = 0 THEN 'tls_unauthenticated' ELSE 'greylisted' END` })}
      ELSE ${jsonOf({ ...gateway, notice: id('ntc', 'n'), kind: `'reminder'`, recipient: id('rcp', 'r') })} END),
    (5 * n::bigint + 3, 'notice.sent', ${jsonOf({ ...gateway, ...attempt, notice: id('ntc', 'n'), outcome: `'delivered'` })}),
    (5 * n::bigint + 4, CASE WHEN open THEN 'gateway.started' WHEN failed THEN 'delivery.failed' ELSE 'delivery.delivered' END, CASE
      WHEN open THEN ${jsonOf(gateway)} ELSE ${jsonOf({ ...gateway, ...attempt, result: `CASE WHEN failed THEN 'failure' ELSE 'success' END`, delivery: id('dlv', 'n'), outcome: `CASE WHEN failed THEN 'recipient_refused' ELSE 'delivered' END` })} END)`
  const step = 100_000
  for (let from = 0; from < count; from += step) {
    const some = `(SELECT n, n % ${recipients} AS r, CASE WHEN n % 5000 = 17 THEN 5 ELSE 1 + n % 4 END AS a,
        n % 200000 = 7 OR n >= ${count - 20} AS open, n % 1000 = 3 AS failed,
        timestamptz '2026-01-01' + n * interval '1 year' / ${count} AS at
      FROM generate_series(${from}, ${Math.min(from + step, count) - 1}) n) s`
    await owner.raw(`
      INSERT INTO messages (id, application_id, sender, accepted_at)
        SELECT ${id('msg', 'n')}, ${id('app', 'a')}, 'a@b.test', at FROM ${some};
      INSERT INTO deliveries (id, message_id, position, recipient_id, address, certificate, encryption_subkey, format, outer_date,
                              outer_message_id, ciphertext_sha256, ciphertext_bytes, state, outcome, attempts, accepted_at,
                              give_up_at, settled_at)
        SELECT ${id('dlv', 'n')}, ${id('msg', 'n')}, 0, ${id('rcp', 'r')}, 'person' || r || '@org' || r % 1000 || '.test',
               'E' || upper(lpad(to_hex(r), 39, '0')), 'C' || upper(lpad(to_hex(r), 39, '0')), 'seipdv2', '', n || '@b.test',
               repeat('0', 64), 2048, CASE WHEN open THEN 'queued' WHEN failed THEN 'failed' ELSE 'delivered' END,
               CASE WHEN open THEN NULL WHEN failed THEN 'recipient_refused' ELSE 'delivered' END, 1, at, at,
               CASE WHEN NOT open THEN at END FROM ${some};
      INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, host, tls, reply_code)
        SELECT ${id('dlv', 'n')}, 2, at, at, CASE WHEN failed THEN 'recipient_refused' ELSE 'delivered' END, 'mx.org.test',
               '${tls}', 250 FROM ${some} WHERE NOT open;
      INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome)
        SELECT ${id('dlv', 'n')}, 1, at, at, CASE WHEN (n + 1) % 3000 = 0 THEN 'tls_unauthenticated' ELSE 'greylisted' END
          FROM ${some} WHERE n % 3 = 2;
      INSERT INTO audit_events (id, at, type, body, hash)
        SELECT ${id('evt', 'leaf')}, at, type, body, sha256('\\x00'::bytea || convert_to(body, 'UTF8'))
          FROM (SELECT leaf, ${at} AS at, type, '{' || b || ',"type":"' || type || '","id":"' || ${id('evt', 'leaf')} || '","salt":"${'0'.repeat(32)}"}' AS body
            FROM ${some}, LATERAL (VALUES ${eventsOf}) AS e (leaf, type, b)) events ORDER BY leaf;
      INSERT INTO audit_leaves (leaf, seq) SELECT ${5 * from} + row_number() OVER (ORDER BY seq) - 1, seq FROM audit_events
        WHERE seq > coalesce((SELECT max(seq) FROM audit_leaves), 0)`)
  }
  for (const table of ['messages', 'deliveries', 'attempts', 'audit_events', 'audit_leaves']) {
    await owner.raw(`VACUUM ANALYZE ${table}`)
  }
}
