import { openIndexing } from '../../src/audit-log/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { migrate, openDatabase, openLogger, startEmbeddedPostgres } from '../../src/platform/index.ts'
import {
  type DeliveryFilter,
  type DeliveryPoint,
  type EventFilter,
  searchDeliveries,
  searchEvents,
} from '../../src/review/index.ts'
import { percentile } from '../load.ts'
import { fillYear, idOf, keyOf } from './year.ts'

// `node bench/audit/search.ts [deliveries]`: the search index of a year, and pages for auditors by every kind of filter.
const count = Number(process.argv[2] ?? 1_000_000)
const promise = 200

await using opened = new AsyncDisposableStack()
const server = opened.adopt(await startEmbeddedPostgres(), running => running.stop())
await migrate(server.config('owner'))
const session = { applicationName: 'bench', statementTimeout: 600_000, poolSize: 2 }
const owner = opened.adopt(openDatabase(server.config('owner'), session), pool => pool.close()).knex
const { knex } = opened.adopt(openDatabase(server.config('gateway'), session), pool => pool.close())

const filling = performance.now()
await fillYear(owner, count)
row(
  `${5 * count} events of ${count} deliveries made`,
  `${((performance.now() - filling) / 1000).toFixed(0)} s`,
)

const log = openLogger({ level: 'error', destination: process.stderr })
const indexing = openIndexing({ knex, clock: systemClock, log, every: 3_600_000 })
await indexing.stop()
const start = performance.now()
let blocks = 0
for (let more = await indexing.pass(); more > 0; more = await indexing.pass()) blocks += more
const speed = (blocks * 512 * 1000) / (performance.now() - start)
row('events into the search index', `${Math.round(speed)}/s  ${speed > 5000 ? '> 5000/s' : 'NOT > 5000/s'}`)
const { rows } = await owner.raw<{ rows: [{ table: string; index: string; events: string; lines: string }] }>(
  `SELECT pg_size_pretty(pg_table_size('audit_subjects')) AS table, pg_size_pretty(pg_indexes_size('audit_subjects')) AS index,
          pg_size_pretty(pg_total_relation_size('audit_events')) AS events, (SELECT count(*) FROM audit_subjects) AS lines`,
)
row(
  'its size',
  `${rows[0].table} and its index ${rows[0].index}, ${rows[0].lines} lines; the events ${rows[0].events}`,
)

const day = (month: number, date: number): Date => new Date(Date.UTC(2026, month - 1, date))
const rare = Math.trunc(count / 200_000) * 200_000 - 199_993
const events: Readonly<Record<string, EventFilter>> = {
  'no filter': {},
  'one day': { from: day(3, 3), until: day(3, 4) },
  'nothing at that time': { from: day(1, 1), until: new Date(Date.UTC(2020, 0, 1)) },
  'a frequent type': { type: 'delivery.delivered' },
  'a type that never was': { type: 'custody.unseal.refused' },
  'one recipient': { recipient: idOf('rcp', 4711) as never },
  'one recipient of long ago': { recipient: idOf('rcp', 4711) as never, until: day(1, 20) },
  'one message': { message: idOf('msg', 77) as never },
  'one delivery': { delivery: idOf('dlv', count - 77) as never },
  'a rare outcome': { outcome: 'tls_unauthenticated' },
  'two frequent, nothing found': { type: 'message.accepted', result: 'failure' },
  'three frequent, nothing found': { type: 'delivery.delivered', result: 'success', by: 'peer' },
  'sparse and frequent': { recipient: idOf('rcp', 4711) as never, type: 'delivery.delivered' },
  'sparse and sparse, nothing found': {
    recipient: idOf('rcp', 4711) as never,
    outcome: 'tls_unauthenticated',
  },
  'an operator': { operator: idOf('opr', 5) as never },
  'an operator in one month': { operator: idOf('opr', 5) as never, from: day(2, 1), until: day(3, 1) },
  'a key': { key: keyOf(815) },
  'an address and a code': { address: '10.0.3.3', code: 'sealed' },
  'a domain, failures, one quarter': {
    domain: 'org815.test',
    result: 'failure',
    from: day(4, 1),
    until: day(7, 1),
  },
}
for (const [name, filter] of Object.entries(events)) {
  await measure<number>(`events: ${name}`, async before => {
    const { events: found, next } = await searchEvents(knex, filter, {
      limit: 50,
      before,
    })
    return { found: found.length, next }
  })
}
const deliveries: Readonly<Record<string, DeliveryFilter>> = {
  'no filter': {},
  'one day': { from: day(3, 3), until: day(3, 4) },
  'one recipient': { recipient: idOf('rcp', 4711) as never },
  'one recipient of long ago': { recipient: idOf('rcp', 4711) as never, until: day(1, 20) },
  'an application': { application: idOf('app', 2) as never },
  'a rare application': { application: idOf('app', 5) as never },
  failed: { state: 'failed' },
  'failed, of a rare application': { state: 'failed', application: idOf('app', 5) as never },
  'failed, of one recipient': { state: 'failed', recipient: idOf('rcp', 1003) as never },
  'failed, nothing found': { state: 'failed', recipient: idOf('rcp', 4711) as never },
  'queued, all of a year': { state: 'queued' },
  'queued, long ago': { state: 'queued', until: day(6, 1) },
  'queued, of one recipient, nothing found': { state: 'queued', recipient: idOf('rcp', 4711) as never },
  'quarantined, nothing found': { state: 'quarantined' },
  'delivered, of an application in one month': {
    state: 'delivered',
    application: idOf('app', 3) as never,
    from: day(5, 1),
    until: day(6, 1),
  },
  'a rare outcome': { outcome: 'tls_unauthenticated' },
  'a frequent outcome': { outcome: 'greylisted' },
  'an outcome that never was': { outcome: 'protocol_violation' },
  'a key': { key: keyOf(815) },
  'a key and a domain that is not its own': { key: keyOf(815), domain: 'org816.test' },
  'a domain and a rare outcome': { domain: 'org8.test', outcome: 'tls_unauthenticated' },
  'one message': { message: idOf('msg', rare) as never },
}
for (const [name, filter] of Object.entries(deliveries)) {
  await measure<DeliveryPoint>(`deliveries: ${name}`, async after => {
    const { deliveries: found, next } = await searchDeliveries(knex, filter, {
      limit: 50,
      after,
    })
    return { found: found.length, next }
  })
}

/** The first page and up to nine more, ten times over; every page counts. */
async function measure<Place>(
  name: string,
  page: (place: Place | undefined) => Promise<{ readonly found: number; readonly next: Place | undefined }>,
): Promise<void> {
  const times: number[] = []
  let [found, pages] = [0, 0]
  for (let run = 0; run < 10; run++) {
    let place: Place | undefined
    for (let i = 0; i < 10; i++) {
      const from = performance.now()
      const answer = await page(place)
      times.push(performance.now() - from)
      if (run === 0) [found, pages] = [found + answer.found, pages + 1]
      if (answer.next === undefined) break
      place = answer.next
    }
  }
  times.sort((a, b) => a - b)
  const worst = times.at(-1) ?? Number.NaN
  const kept = worst < promise ? `< ${promise} ms` : `NOT < ${promise} ms`
  if (kept.startsWith('NOT')) process.exitCode = 1
  const [p50, p99] = [percentile(times, 50), percentile(times, 99)]
  row(
    name,
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${worst.toFixed(1)} ms  ${kept}  ${found} on ${pages} pages`,
  )
}

function row(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value}\n`)
}
