import fc from 'fast-check'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { appendSome, openTestLog, orderOfTransactions, reverify, type TestLog, waiting } from './support.ts'

// Processes and transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let log: TestLog
beforeAll(async () => {
  log = await openTestLog()
})
afterAll(() => log.close())

const sizeOfLog = async (): Promise<number> => (await reverify(log.owner, log.key)).size

test('an empty log has no checkpoint', async () => {
  const sequencer = log.sequencer()
  expect(await sequencer.pass()).toBe(0)
  expect(await log.owner('audit_checkpoints').first<unknown>('size')).toBeUndefined()
})

test('what was appended while nothing ran is taken in at the next start, in batches', async () => {
  await log.append(700)
  await log.append(3)
  const sequencer = log.sequencer({ batch: 300, every: 10 })
  await sequencer.stop()
  await log.settled(log.sequencer({ batch: 300 }))
  const { size, order } = await reverify(log.owner, log.key)
  expect(size).toBe(703)
  expect(order).toEqual(await orderOfTransactions(log.owner))
})

test('an older transaction that is still open holds the younger back: nothing is passed by', async () => {
  const before = await sizeOfLog()
  const sequencer = log.sequencer()
  const older = await log.gateway.transaction()
  await appendSome(older, 1)
  await log.append(2)
  await sequencer.pass()
  expect(await sizeOfLog()).toBe(before)
  await appendSome(older, 1)
  await older.commit()
  await log.settled(sequencer)
  const { size, order } = await reverify(log.owner, log.key)
  expect(size).toBe(before + 4)
  expect(order).toEqual(await orderOfTransactions(log.owner))
})

test('what was rolled back never was', async () => {
  const before = await sizeOfLog()
  const sequencer = log.sequencer()
  const given = await log.gateway.transaction()
  await appendSome(given, 3)
  await log.append(1)
  await given.rollback()
  await log.settled(sequencer)
  expect(await sizeOfLog()).toBe(before + 1)
})

/** What one of four clients does next, or a sequencer: there are two, which know nothing of each other. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      client: fc.nat(3),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const), client: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback' as const), client: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), client: fc.nat(1) }) },
)

test('however transactions overlap, every committed event is in the log once, in the order of transactions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async steps => {
      const open = new Map<number, Knex.Transaction>()
      const sequencers = [log.sequencer({ batch: 4 }), log.sequencer({ batch: 4 })]
      for (const { client, ...what } of steps) {
        if (what.do === 'pass') {
          await sequencers[client]?.pass()
          continue
        }
        const trx = open.get(client) ?? (await log.gateway.transaction())
        open.set(client, trx)
        if (what.do === 'append') {
          await appendSome(trx, what.count)
          continue
        }
        await (what.do === 'commit' ? trx.commit() : trx.rollback())
        open.delete(client)
      }
      await Promise.all([...open.values()].map(trx => trx.commit()))
      for (const sequencer of sequencers) await log.settled(sequencer)
      const { order } = await reverify(log.owner, log.key)
      expect(order).toEqual(await orderOfTransactions(log.owner))
      expect(await waiting(log.owner)).toBe(0)
      expect(log.alarms).toEqual(new Set())
    }),
    { numRuns: 10, endOnFailure: true },
  )
})
