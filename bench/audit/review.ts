import { migrate, openDatabase, startEmbeddedPostgres } from '../../src/platform/index.ts'
import { dailyReview, periodOf, renderReview } from '../../src/review/index.ts'
import { fillYear } from './year.ts'

// `node bench/audit/review.ts [deliveries]`: the report of a day in a year of events.
const count = Number(process.argv[2] ?? 1_000_000)

await using opened = new AsyncDisposableStack()
const server = opened.adopt(await startEmbeddedPostgres(), running => running.stop())
await migrate(server.config('owner'))
const session = { applicationName: 'bench', statementTimeout: 600_000, poolSize: 2 }
const owner = opened.adopt(openDatabase(server.config('owner'), session), pool => pool.close()).knex
const { knex } = opened.adopt(openDatabase(server.config('gateway'), session), pool => pool.close())

const filling = performance.now()
await fillYear(owner, count)
row(`${5 * count} events made`, filling)

const clock = { now: () => new Date('2026-07-02T06:00:00Z') }
for (let i = 0; i < 3; i++) {
  const started = performance.now()
  const facts = await dailyReview(knex, clock, periodOf('2026-07-01'))
  const events = facts.events.reduce((sum, each) => sum + each.count, 0)
  row(
    `report of a day of ${events} events, the 14 days before counted too, ${renderReview(facts).length} characters`,
    started,
  )
}
const { rows } = await owner.raw<{ rows: Record<string, string>[] }>(
  `EXPLAIN (ANALYZE, BUFFERS) SELECT type, count(*)::int AS count FROM audit_events
    WHERE at >= '2026-07-01' AND at < '2026-07-02' GROUP BY type ORDER BY type`,
)
for (const line of rows) process.stdout.write(`${line['QUERY PLAN'] ?? ''}\n`)

function row(what: string, started: number): void {
  process.stdout.write(`${what}: ${((performance.now() - started) / 1000).toFixed(2)} s\n`)
}
