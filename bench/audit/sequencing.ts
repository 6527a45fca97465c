import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { recordEvent } from '../../src/audit/index.ts'
import { latestCheckpoint, leafOfEvents, openSequencer, type Sequencer } from '../../src/audit-log/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { migrate, openDatabase, openLogger, startEmbeddedPostgres } from '../../src/platform/index.ts'
import { noteSigner } from '../../src/tlog/index.ts'
import { percentile } from '../load.ts'
import { fillEvents } from './fill.ts'
import { judged, row } from './row.ts'

// `node bench/audit/sequencing.ts [events]`: how fast a backlog of events is taken into the log, from the first to the last of
// them, and how long an event waits for its checkpoint when the log is that long.
const count = Number(process.argv[2] ?? 5_000_000)
const window = 100_000

await using opened = new AsyncDisposableStack()
const server = opened.adopt(await startEmbeddedPostgres(), running => running.stop())
await migrate(server.config('owner'))
const session = { applicationName: 'bench', statementTimeout: 600_000, poolSize: 4 }
const owner = opened.adopt(openDatabase(server.config('owner'), session), pool => pool.close()).knex
const { knex } = opened.adopt(openDatabase(server.config('gateway'), session), pool => pool.close())

const filling = performance.now()
await fillEvents(owner, count + window)
row(`${count + window} events appended by SQL`, `${((performance.now() - filling) / 1000).toFixed(0)} s`)
// Not what is measured: hint bits of five million rows, and files that are yet to be written.
await owner.raw('VACUUM ANALYZE audit_events')

const key = noteSigner('bench.test/audit-log', generateKeyPairSync('ed25519').privateKey)
await takeAll()
await measureLatency()

/** The sequencer goes from batch to batch by itself; its checkpoints say how far it is. */
async function takeAll(): Promise<void> {
  const sequencer = open(250)
  const speeds: number[] = []
  let first = { size: 0, at: performance.now() }
  while (first.size < count) {
    await sleep(5)
    const size = (await latestCheckpoint(knex))?.size ?? 0
    if (size - first.size < window && size < count + window) continue
    const now = performance.now()
    const speed = ((size - first.size) * 1000) / (now - first.at)
    const isNamed =
      first.size === 0 || size >= count + window || Math.floor(size / 1e6) > Math.floor(first.size / 1e6)
    if (isNamed)
      row(
        `events/s into the log, ${first.size} in it`,
        `${Math.round(speed)}/s  ${judged(speed >= 5_000, '>= 5,000/s')}`,
      )
    speeds.push(speed)
    first = { size, at: now }
  }
  await sequencer.stop()
  const sorted = speeds.toSorted((a, b) => a - b)
  const [slowest, middle] = [percentile(sorted, 0), percentile(sorted, 50)]
  row(
    `of ${speeds.length} times ${window} events`,
    `median ${Math.round(middle)}/s, slowest ${Math.round(slowest)}/s`,
  )
}

/** One event each few milliseconds; from when its transaction has committed until somebody reads a checkpoint that covers it. */
async function measureLatency(): Promise<void> {
  const running = open(250)
  const seen: { at: number; size: number }[] = []
  let watching = true
  const watch = async (): Promise<void> => {
    while (watching) {
      const size = (await latestCheckpoint(knex))?.size ?? 0
      if (size > (seen.at(-1)?.size ?? 0)) seen.push({ at: performance.now(), size })
      await sleep(5)
    }
  }
  const watcher = watch()
  const before = await lastSeq(owner)
  const committed: number[] = []
  for (let n = 0; n < 2_000; n += 1) {
    await recordEvent(knex, systemClock, { kind: 'gateway' }, { type: 'gateway.stopped' })
    committed.push(performance.now())
    await sleep(5)
  }
  const ids = await owner('audit_events')
    .where('seq', '>', before)
    .orderBy('seq')
    .limit(2_000)
    .pluck<string[]>('id')
  while ((await leafOfEvents(knex, ids)).size < ids.length) await sleep(50)
  await sleep(500)
  watching = false
  await watcher
  await running.stop()
  const leaves = await leafOfEvents(knex, ids)
  const delays = ids
    .map(
      (id, at) =>
        (seen.find(({ size }) => size > (leaves.get(id) ?? 0))?.at ?? Number.NaN) - (committed[at] ?? 0),
    )
    .toSorted((a, b) => a - b)
  const [p50, p99] = [percentile(delays, 50), percentile(delays, 99)]
  row(
    'from commit to checkpoint',
    `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms  ${judged(p99 < 1000, '< 1 s')}`,
  )
}

function open(every: number): Sequencer {
  return openSequencer({
    knex,
    clock: systemClock,
    log: openLogger({ level: 'error', destination: process.stderr }),
    key,
    alarms: { raise: () => undefined, clear: () => undefined },
    every,
  })
}

async function lastSeq(from: Knex): Promise<string> {
  const { rows } = await from.raw<{ rows: [{ seq: string }] }>('SELECT max(seq) AS seq FROM audit_events')
  return rows[0].seq
}
