import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openTransactions } from '../../faults/open-transactions.ts'
import { closeGate, eventually } from '../../support/locks.ts'
import { openTestLog, orderOfTransactions, reverify, type TestLog, waiting } from './support.ts'

// Each crash point that `pass.ts` names: the process is killed there, the log is verified from its tables, and another goes on.
// Processes and transactions take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let log: TestLog
beforeAll(async () => {
  log = await openTestLog()
})
afterAll(() => log.close())

let before: number
beforeEach(async () => {
  await log.settled(log.sequencer())
  before = await verified()
})

async function verified(): Promise<number> {
  return (await reverify(log.owner, log.key)).size
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function anotherGoesOn(): Promise<void> {
  await log.append(2)
  await log.settled(log.sequencer())
  const { order } = await reverify(log.owner, log.key)
  expect(order).toEqual(await orderOfTransactions(log.owner))
  expect(await waiting(log.owner)).toBe(0)
  expect(log.alarms).toEqual(new Set())
}

test.each([
  ['before', 'audit_leaves', 'insert'],
  ['leaves', 'audit_tiles', 'insert'],
  ['tiles', 'audit_checkpoints', 'insert'],
  ['checkpoint', 'audit_checkpoints', 'commit'],
] as const)('killed at "%s", where it would go on with %s: the log is as it was', async (_, table, at) => {
  const gate = await closeGate(log.owner, log.database.superuser, table, at)
  const child = await log.spawn()
  await log.append(300)
  await gate.reached()
  await kill(child)
  // The server finds out when the statement that waited at the gate is done.
  await gate.open()
  await eventually('the transaction is gone', async () => (await openTransactions(log.owner)) === 0)
  expect(await verified()).toBe(at === 'commit' ? before + 300 : before)
  await anotherGoesOn()
})

test('killed at "commit": the log has gone on', async () => {
  const child = await log.spawn()
  await log.append(300)
  await eventually('the events are in the log', async () => (await waiting(log.owner)) === 0)
  await kill(child)
  expect(await verified()).toBe(before + 300)
  await anotherGoesOn()
})
