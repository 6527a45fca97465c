import type { Knex } from 'knex'
import { type ListFilter, type ListPoint, listMessages } from '../src/intake/index.ts'
import type { Address, ApplicationId } from '../src/kernel/index.ts'
import { migrate, openDatabase, startEmbeddedPostgres } from '../src/platform/index.ts'
import { percentile } from './load.ts'

/**
 * `npm run bench:list [-- N]`: pages of the list of an application with N messages (default: a million) in a year, by every kind of filter,
 * beside another application with a tenth of them. The first ten pages of 25, ten times. With `--plans`, also what PostgreSQL does.
 */
const [given, plans] = [process.argv.find(word => /^\d+$/.test(word)), process.argv.includes('--plans')]
const count = Number(given ?? 1_000_000)
const promise = 250
const recipients = 20_000

await using opened = new AsyncDisposableStack()
const server = opened.adopt(await startEmbeddedPostgres(), running => running.stop())
await migrate(server.config('owner'))
const session = { applicationName: 'bench', statementTimeout: 600_000, poolSize: 2 }
const owner = opened.adopt(openDatabase(server.config('owner'), session), pool => pool.close()).knex
const { knex } = opened.adopt(openDatabase(server.config('gateway'), session), pool => pool.close())

const idOf = (prefix: string, n: string): string => `'${prefix}_' || lpad((${n})::text, 26, '0')`
const application = `app_${'1'.padStart(26, '0')}` as ApplicationId
const small = `app_${'2'.padStart(26, '0')}` as ApplicationId

const filling = performance.now()
await fill(owner)
row(`${count} messages made`, `${((performance.now() - filling) / 1000).toFixed(0)} s`)
const { rows } = await owner.raw<{ rows: [{ size: string; list: string; reference: string }] }>(
  `SELECT pg_size_pretty(pg_table_size('messages')) AS size, pg_size_pretty(pg_relation_size('messages_by_application')) AS list,
          pg_size_pretty(pg_relation_size('messages_by_reference')) AS reference`,
)
row('messages', `${rows[0].size}; by application ${rows[0].list}, by reference ${rows[0].reference}`)

const day = (month: number, date: number): Date => new Date(Date.UTC(2026, month - 1, date))
const person = (n: number): Address => `person${n}@org${n % 1000}.test` as Address
const filters: Readonly<Record<string, ListFilter>> = {
  'no filter': {},
  'one day': { since: day(3, 3), until: day(3, 4) },
  'until long ago': { until: day(1, 20) },
  'a reference': { reference: 'case-4711' },
  'a reference that half of them have': { reference: 'run' },
  'a reference that never was': { reference: 'never' },
  'a recipient': { recipient: person(4711) },
  'a recipient whom all write to': { recipient: person(0) },
  'a recipient whom only another application writes to': { recipient: person(1) },
  'a stranger': { recipient: 'stranger@org1.test' as Address },
  'a sender': { from: 'a@b.test' as Address },
  'a sender that never was': { from: 'never@b.test' as Address },
  delivered: { state: 'delivered' },
  failed: { state: 'failed' },
  'failed, one day': { state: 'failed', since: day(3, 3), until: day(3, 4) },
  queued: { state: 'queued' },
  'partly delivered, of which there are none': { state: 'partly_delivered' },
}
let slowest = 0
for (const [name, filter] of Object.entries(filters)) await measure(application, name, filter)
await measure(small, 'the smaller application, no filter', {})
await measure(small, 'the smaller application, failed', { state: 'failed' })
row('the slowest page of all', `${slowest.toFixed(1)} ms  ${slowest < promise ? '' : 'NOT '}< ${promise} ms`)

async function measure(mine: ApplicationId, name: string, filter: ListFilter): Promise<void> {
  const times: number[] = []
  let [pages, found] = [0, 0]
  for (let round = 0; round < 10; round++) {
    let after: ListPoint | undefined
    ;[pages, found] = [0, 0]
    do {
      const start = performance.now()
      const page = await listMessages(knex, mine, filter, { limit: 25, after })
      times.push(performance.now() - start)
      after = page.next
      pages++
      found += page.messages.length
    } while (after !== undefined && pages < 10)
  }
  times.sort((a, b) => a - b)
  slowest = Math.max(slowest, times.at(-1) ?? 0)
  row(
    name,
    `p50 ${percentile(times, 50).toFixed(1)} ms, p99 ${percentile(times, 99).toFixed(1)} ms; ${found} in ${pages} pages`,
  )
  if (plans) await explain(mine, filter)
}

/** How the last of a page's queries that looked through messages went. */
async function explain(mine: ApplicationId, filter: ListFilter): Promise<void> {
  let asked: { readonly sql: string; readonly bindings: readonly Knex.RawBinding[] } | undefined
  const note = (query: NonNullable<typeof asked>) => {
    if (query.sql.startsWith('WITH m')) asked = query
  }
  knex.on('query', note)
  await listMessages(knex, mine, filter, { limit: 25 })
  knex.removeListener('query', note)
  if (asked === undefined) return
  const sql = `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) ${asked.sql.replaceAll(/\$\d+/g, '?')}`
  const { rows } = await knex.raw<{ rows: { 'QUERY PLAN': string }[] }>(sql, [...asked.bindings])
  for (const line of rows) process.stdout.write(`    ${line['QUERY PLAN']}\n`)
}

/** One in 1000 failed, the last twenty wait. Person 0 gets a fifth of all, person 1 nothing but from the other application. */
async function fill(knex: Knex): Promise<void> {
  await knex.raw(`
    INSERT INTO applications (id, name, san, senders, created_at)
      SELECT ${idOf('app', 'i')}, 'application ' || i, 'URI:urn:' || i, '{a@b.test}', now() FROM generate_series(1, 2) i;
    INSERT INTO recipients (id, address, kind, organisation, state, created_at)
      SELECT ${idOf('rcp', 'i')}, 'person' || i || '@org' || i % 1000 || '.test', 'supplier', 'Organisation', 'active', now()
        FROM generate_series(0, ${recipients - 1}) i;
    INSERT INTO certificates (fingerprint, recipient_id, bytes, encryption_subkey, algorithm, format, state, accepted_at)
      SELECT 'E' || upper(lpad(to_hex(i), 39, '0')), ${idOf('rcp', 'i')}, '', 'C' || upper(lpad(to_hex(i), 39, '0')),
             'ecdh-curve25519', 'seipdv2', 'active', now() FROM generate_series(0, ${recipients - 1}) i`)
  const step = 100_000
  const all = count + count / 10
  for (let from = 0; from < all; from += step) {
    const some = `(SELECT n, n % 11 = 10 AS other, CASE WHEN n % 11 = 10 THEN 1 WHEN n % 5 = 0 THEN 0 ELSE 2 + n % ${recipients - 2} END AS r,
        n >= ${all - 20} AS open, n % 1000 = 3 AS failed,
        date_trunc('milliseconds', timestamptz '2026-01-01' + n * interval '1 year' / ${all}) AS at
      FROM generate_series(${from}, ${Math.min(from + step, all) - 1}) n) s`
    await knex.raw(`
      INSERT INTO messages (id, application_id, sender, reference, accepted_at)
        SELECT ${idOf('msg', 'n')}, ${idOf('app', 'CASE WHEN other THEN 2 ELSE 1 END')}, 'a@b.test',
               CASE n % 2 WHEN 0 THEN 'run' ELSE 'case-' || n END, at FROM ${some};
      INSERT INTO deliveries (id, message_id, position, recipient_id, address, certificate, encryption_subkey, format, outer_date,
                              outer_message_id, ciphertext_sha256, ciphertext_bytes, state, outcome, attempts, accepted_at,
                              give_up_at, settled_at)
        SELECT ${idOf('dlv', 'n')}, ${idOf('msg', 'n')}, 0, ${idOf('rcp', 'r')}, 'person' || r || '@org' || r % 1000 || '.test',
               'E' || upper(lpad(to_hex(r), 39, '0')), 'C' || upper(lpad(to_hex(r), 39, '0')), 'seipdv2', '', n || '@b.test',
               repeat('0', 64), 2048, CASE WHEN open THEN 'queued' WHEN failed THEN 'failed' ELSE 'delivered' END,
               CASE WHEN open THEN NULL WHEN failed THEN 'mailbox_unknown' ELSE 'delivered' END, 1, at, at,
               CASE WHEN NOT open THEN at END FROM ${some}`)
  }
  for (const table of ['messages', 'deliveries']) await knex.raw(`VACUUM ANALYZE ${table}`)
}

function row(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value}\n`)
}
