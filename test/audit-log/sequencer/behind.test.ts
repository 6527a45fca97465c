import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Clock } from '../../../src/kernel/index.ts'
import { eventually } from '../../support/locks.ts'
import { openTestLog, type TestLog } from './support.ts'

let log: TestLog
beforeAll(async () => {
  log = await openTestLog()
})
afterAll(() => log.close())

test('events that wait for too long are an alarm, which ends when they are in the log', async () => {
  let ahead = 0
  const clock: Clock = { now: () => new Date(Date.now() + ahead) }
  log.sequencer({ clock, every: 10 })
  const open = await log.gateway.transaction()
  await open.raw('SELECT pg_current_xact_id()')
  await log.append(1)
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(log.alarms).toEqual(new Set())
  ahead = 11_000
  await eventually('the alarm', () => log.alarms.has('audit_log_behind'))
  await open.commit()
  await eventually('its end', () => log.alarms.size === 0)
})
