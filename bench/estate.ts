import type { Address, RecipientId } from '../src/kernel/index.ts'
import { migrate, openDatabase, startEmbeddedPostgres } from '../src/platform/index.ts'
import { checkStillUsable, resolveRecipients } from '../src/recipients/index.ts'
import { openLooking } from '../src/recipients/view/look.ts'
import { estateAddress, fillEstate } from '../test/support/estate.ts'
import { percentile } from './load.ts'

// `npm run bench:estate [-- recipients]`: what a large estate costs at the database, against what is promised for it.
const count = Number(process.argv[2] ?? 100_000)

await using opened = new AsyncDisposableStack()
const server = opened.adopt(await startEmbeddedPostgres(), running => running.stop())
await migrate(server.config('owner'))
const session = { applicationName: 'bench', statementTimeout: 600_000, poolSize: 1 }
const owner = opened.adopt(openDatabase(server.config('owner'), session), pool => pool.close()).knex
const gateway = opened.adopt(openDatabase(server.config('gateway'), session), pool => pool.close()).knex

const filling = performance.now()
await fillEstate(owner, count)
row(`${count} recipients made`, `${((performance.now() - filling) / 1000).toFixed(1)} s`)

const at = new Date()
const clock = { now: () => at }
const { list, show } = openLooking({ knex: gateway, clock })
const some = (i: number, size: number): Address[] =>
  Array.from({ length: size }, (_, n) => estateAddress(1 + ((i * 7919 + n * 104_729) % count)))
const { usable } = await resolveRecipients(gateway, some(1, 64), at)
const pins = usable.map(({ recipient, address, certificate: { fingerprint, encryptionSubkey } }) => ({
  recipient,
  address,
  certificate: fingerprint,
  encryptionSubkey,
}))
const middle = `rcp_${String(Math.trunc(count / 2)).padStart(26, '0')}` as RecipientId
const soon = new Date(at.getTime() + 30 * 86_400_000)

await measure('resolve, 1 address', 2, 500, i => resolveRecipients(gateway, some(i, 1), at))
await measure('resolve, 10 addresses', undefined, 200, i => resolveRecipients(gateway, some(i, 10), at))
await measure('resolve, 50 addresses', undefined, 100, i => resolveRecipients(gateway, some(i, 50), at))
await measure(`recheck, ${pins.length} deliveries`, undefined, 100, () => checkStillUsable(gateway, pins, at))
const page = { limit: 200 }
await measure('list, first page', 100, 20, () => list({}, page))
await measure('list, from the middle', 100, 20, () => list({}, { limit: 200, after: middle }))
await measure('list, suspended', 100, 20, () => list({ state: 'suspended' }, page))
await measure('list, invited suppliers', 100, 20, () => list({ state: 'invited', kind: 'supplier' }, page))
await measure('list, one organisation', 100, 20, i => list({ organisation: `Organisation ${i}` }, page))
await measure('list, beginning of an address', 100, 20, i => list({ q: `person${i + 100}` }, page))
await measure('list, one letter', 100, 20, () => list({ q: 'p' }, page))
await measure('list, beginning of nothing', 100, 20, () => list({ q: 'nobody' }, page))
await measure('list, ending within 30 days', 100, 20, () => list({ expiringBefore: soon }, page))
await measure('list, all filters', 100, 20, () =>
  list({ state: 'active', kind: 'customer', q: 'organisation 1', expiringBefore: soon }, page),
)
await measure('show', 100, 50, () => show(middle))

/** The median is held against the promise, in milliseconds; a machine that is busy has outliers. */
async function measure(
  name: string,
  promise: number | undefined,
  runs: number,
  task: (i: number) => Promise<unknown>,
): Promise<void> {
  for (let i = 0; i < 5; i++) await task(i)
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    await task(i)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const median = percentile(times, 50)
  const kept = promise === undefined ? '' : median < promise ? `< ${promise} ms` : `NOT < ${promise} ms`
  if (kept.startsWith('NOT')) process.exitCode = 1
  row(name, `p50 ${median.toFixed(2)} ms, p99 ${percentile(times, 99).toFixed(2)} ms  ${kept}`)
}

function row(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(34)} ${value}\n`)
}
