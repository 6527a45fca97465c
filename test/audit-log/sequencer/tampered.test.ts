import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSequencer, type Sequencer } from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { openLogger } from '../../../src/platform/index.ts'
import { formatCheckpoint, noteSigner, signNote } from '../../../src/tlog/index.ts'
import { eventually } from '../../support/locks.ts'
import { openTestLog, origin, type TestLog } from './support.ts'

// Somebody is superuser of the database and changes what triggers and rights protect. Nothing is signed on top of it.
let log: TestLog
let sequencer: Sequencer
beforeEach(async () => {
  log = await openTestLog()
  sequencer = log.sequencer()
  await log.append(150)
  await log.append(150)
  await log.settled(sequencer)
})
afterEach(() => log.close())

const tamper = (statement: string): Promise<unknown> =>
  log.superuser.transaction(async trx => {
    await trx.raw('SET LOCAL session_replication_role = replica')
    // Also the triggers that a replica has.
    await trx.raw('ALTER TABLE audit_events DISABLE TRIGGER ALL')
    for (const table of ['audit_leaves', 'audit_tiles', 'audit_checkpoints'])
      await trx.raw(`ALTER TABLE ${table} DISABLE TRIGGER ALL`)
    await trx.raw(statement)
  })
const checkpoints = (): Promise<string[]> =>
  log.owner('audit_checkpoints').orderBy('size').pluck<string[]>('note')

async function refuses(found: string, one = sequencer): Promise<void> {
  const before = await checkpoints()
  await log.append(300)
  await eventually('the sequencer stops', async () => {
    const error: unknown = await one.pass().catch((thrown: unknown) => thrown)
    if (error instanceof Error) expect(error).toMatchObject({ name: 'Inconsistency', found })
    return log.alarms.has('audit_log_inconsistent')
  })
  // It stays so.
  await log.append(1)
  expect(await one.pass()).toBe(0)
  expect(await checkpoints()).toEqual(before)
}

test.each([
  [
    'a leaf of the right edge is another event',
    'tree',
    'UPDATE audit_leaves SET seq = 10000 WHERE leaf = 299',
  ],
  ['a leaf of the right edge is gone', 'tree', 'DELETE FROM audit_leaves WHERE leaf = 280'],
  [
    'the hash of an event at the right edge',
    'tree',
    "UPDATE audit_events SET hash = sha256('x') WHERE seq = 290",
  ],
  ['the root of a tile', 'tree', "UPDATE audit_tiles SET root = sha256('x')"],
  ['the tile of the right edge is gone', 'tree', 'DELETE FROM audit_tiles'],
  ['a leaf that is yet to come', 'collision', 'INSERT INTO audit_leaves VALUES (300, 10000)'],
  [
    'a checkpoint is rewritten',
    'checkpoint',
    "UPDATE audit_checkpoints SET note = replace(note, '300', '301')",
  ],
  ['a checkpoint names another root', 'checkpoint', "UPDATE audit_checkpoints SET root = sha256('x')"],
  ['the newest checkpoints are gone', 'history', 'DELETE FROM audit_checkpoints'],
  [
    'yesterday’s log is put back',
    'history',
    'DELETE FROM audit_checkpoints; DELETE FROM audit_leaves; DELETE FROM audit_tiles; DELETE FROM audit_events',
  ],
])('%s: nothing is signed', async (_, found, statement) => {
  await tamper(statement)
  await refuses(found)
})

test('an event that waits is changed: it is not taken in', async () => {
  const open = await log.gateway.transaction()
  await open.raw('SELECT pg_current_xact_id()')
  await log.append(1)
  await tamper(
    "UPDATE audit_events SET body = replace(body, 'gateway.stopped', 'gateway.started') WHERE seq = 301",
  )
  await open.commit()
  await refuses('event')
})

test('a checkpoint of another key, right in itself: a sequencer that has just started signs nothing, either', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const [row] = await log
    .owner('audit_checkpoints')
    .orderBy('size', 'desc')
    .limit(1)
    .select<{ root: Buffer }[]>('root')
  const root = row?.root ?? Buffer.alloc(32)
  const note = signNote(formatCheckpoint({ origin, size: 300, root }), noteSigner(origin, privateKey))
  await log.superuser.raw('ALTER TABLE audit_checkpoints DISABLE TRIGGER ALL')
  await log.superuser('audit_checkpoints').where({ size: 300 }).update({ note })
  await refuses('checkpoint', log.sequencer())
})

test('a log that was rewritten with its key: who saw the other one signs nothing', async () => {
  // As by a second sequencer after the tables were put back, while the first remembers.
  await tamper(
    'DELETE FROM audit_checkpoints; DELETE FROM audit_leaves; DELETE FROM audit_tiles; DELETE FROM audit_events WHERE seq < 5',
  )
  const other = openSequencer({
    knex: log.gateway,
    clock: systemClock,
    log: openLogger({ level: 'error', destination: { write: () => true } }),
    key: log.key,
    alarms: { raise: () => undefined, clear: () => undefined },
    every: 10 ** 9,
  })
  await log.append(300)
  await log.settled(other)
  await other.stop()
  await refuses('history')
})
