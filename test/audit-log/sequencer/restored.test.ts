import { afterEach, beforeEach, expect, test } from 'vitest'
import { appendSome, openTestLog, reverify, type TestLog, waiting } from './support.ts'

// A dump was restored on another server: rows are as they were, but transactions count from there.
let log: TestLog
beforeEach(async () => {
  log = await openTestLog()
})
afterEach(() => log.close())

/** As if all rows had come with a dump of a server whose transactions had come further, by `ahead`. */
async function restore(ahead: number): Promise<void> {
  await log.superuser.transaction(async trx => {
    await trx.raw('ALTER TABLE audit_events DISABLE TRIGGER ALL')
    await trx.raw('ALTER TABLE audit_checkpoints DISABLE TRIGGER ALL')
    for (const table of ['audit_events', 'audit_checkpoints'])
      await trx.raw(`UPDATE ${table} SET xact = (xact::text::bigint + ${ahead})::text::xid8`)
  })
  const { rows } = await log.superuser.raw<{ rows: { ahead: boolean }[] }>(
    'SELECT max(xact::text::bigint) > pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS ahead FROM audit_events',
  )
  expect(rows[0]?.ahead).toBe(true)
}

async function allIsIn(events: number): Promise<void> {
  expect((await reverify(log.owner, log.key)).size).toBe(events)
  expect(await waiting(log.owner)).toBe(0)
  expect(log.alarms).toEqual(new Set())
}

test.each([7, 1000])(
  'what was in the log, what was not yet, and what is new: all is in it once, in batches of %i',
  async batch => {
    await log.append(20)
    await log.settled(log.sequencer({ batch }))
    const held = await log.gateway.transaction()
    await appendSome(held, 4)
    await log.append(11)
    await held.commit()
    await restore(10 ** 9)

    const sequencer = log.sequencer({ batch })
    await log.append(9)
    await log.settled(sequencer)
    await allIsIn(44)
    await log.append(5)
    await log.settled(sequencer)
    await log.append(5)
    await log.settled(log.sequencer({ batch }))
    await allIsIn(54)
  },
)

test('before the first checkpoint', async () => {
  await log.append(30)
  await restore(10 ** 9)
  await log.append(3)
  await log.settled(log.sequencer({ batch: 8 }))
  await allIsIn(33)
})

test('when transactions come to where the other server was, nothing is taken twice', async () => {
  await log.append(20)
  await log.append(20)
  await log.settled(log.sequencer())
  const held = await log.gateway.transaction()
  await appendSome(held, 3)
  await held.commit()
  await restore(60)
  const sequencer = log.sequencer()
  for (let round = 0; round < 12; round += 1) {
    await log.append(1)
    await sequencer.pass()
    for (let burnt = 0; burnt < 10; burnt += 1) await log.gateway.raw('SELECT pg_current_xact_id()')
  }
  await log.settled(sequencer)
  await log.append(2)
  await log.settled(log.sequencer())
  await allIsIn(57)
})
