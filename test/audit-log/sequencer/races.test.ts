import { once } from 'node:events'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { appendSome, openTestLog, orderOfTransactions, reverify, type TestLog, waiting } from './support.ts'

// Processes and transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let log: TestLog
beforeAll(async () => {
  log = await openTestLog()
})
afterAll(() => log.close())

test('four would-be sequencers, one of them killed, while transactions overlap, fail and take long: one log, with all of it', async () => {
  // Three processes, and one here.
  const children = await Promise.all([log.spawn(50), log.spawn(70), log.spawn(90)])
  const own = log.sequencer({ every: 20, batch: 30 })
  const appended = { count: 0 }
  const pour = async (rounds: number, pause: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const count = 1 + (round % 7)
      const trx = await log.gateway.transaction()
      await appendSome(trx, count)
      if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
      await appendSome(trx, count)
      if (round % 5 === 4) {
        await trx.rollback()
        continue
      }
      await trx.commit()
      appended.count += 2 * count
    }
  }
  const pouring = [pour(40, 0), pour(40, 1), pour(20, 5), pour(3, 200)]
  await pouring[1]
  children[0].kill('SIGKILL')
  await Promise.all(pouring)
  for (const child of children.slice(1)) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await log.settled(own)

  const { size, order } = await reverify(log.owner, log.key)
  expect(size).toBe(appended.count)
  expect(await waiting(log.owner)).toBe(0)
  expect(order).toEqual(await orderOfTransactions(log.owner))
  expect(log.alarms).toEqual(new Set())
  // It was no single pass that did it.
  expect((await log.owner('audit_checkpoints').select('size')).length).toBeGreaterThan(10)
})
