import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type AuditEvent,
  alarmsInLog,
  appendEvents,
  type OpenedAlarms,
  openAlarms,
  recordEvent,
  watchClock,
  watchLog,
} from '../../src/audit/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase, openLogger } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { eventually } from '../support/locks.ts'

const session = { applicationName: 'test', statementTimeout: 2_000, poolSize: 3 }
let database: TestDatabase
let owner: Database
let gateway: Database
let alarms: OpenedAlarms
let logged = ''
const log = openLogger({
  level: 'debug',
  destination: {
    write: (line: string) => {
      logged += line
      return true
    },
  },
})

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
  gateway = openDatabase(database.gateway, session)
})
afterAll(async () => {
  await owner.close()
  await gateway.close()
  await database.drop()
})
let first = 0
beforeEach(async () => {
  logged = ''
  const { rows } = await owner.knex.raw<{ rows: { seq: string }[] }>(
    'SELECT coalesce(max(seq), 0) AS seq FROM audit_events',
  )
  first = Number(rows[0]?.seq)
  alarms = openAlarms({ knex: gateway.knex, clock: systemClock, log, pause: 10 })
})
afterEach(async () => {
  await owner.knex.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await alarms.close()
})

const recorded = async (): Promise<readonly object[]> => {
  const bodies = await owner
    .knex('audit_events')
    .where('seq', '>', first)
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as object)
}
test('the log tells which alarms were raised and not cleared', async () => {
  const since = new Date()
  alarms.raise('stream_behind')
  alarms.raise('clock_wrong')
  alarms.clear('clock_wrong')
  alarms.raise('anchor_ahead')
  await alarms.close()
  expect((await alarmsInLog(gateway.knex, since)).map(({ code }) => code)).toEqual([
    'anchor_ahead',
    'stream_behind',
  ])
  expect(await alarmsInLog(gateway.knex, new Date(Date.now() + 1000))).toEqual([])
})

const some: AuditEvent = { type: 'application.revoked', application: newId('app', systemClock) }
const record = (event: AuditEvent = some) =>
  recordEvent(gateway.knex, systemClock, { kind: 'gateway' }, event)

test('an alarm is listed, logged and recorded once, however often it is raised, and so is its end', async () => {
  alarms.raise('stream_behind')
  alarms.raise('stream_behind')
  alarms.raise('audit_log_behind')
  expect(alarms.active().map(({ code }) => code)).toEqual(['stream_behind', 'audit_log_behind'])
  alarms.clear('stream_behind')
  alarms.clear('stream_behind')
  alarms.clear('clock_wrong')
  expect(alarms.active().map(({ code }) => code)).toEqual(['audit_log_behind'])
  await alarms.close()
  expect(await recorded()).toMatchObject([
    { type: 'alarm.raised', alarm: 'stream_behind' },
    { type: 'alarm.raised', alarm: 'audit_log_behind' },
    { type: 'alarm.cleared', alarm: 'stream_behind' },
  ])
  expect(logged.match(/"alarm-raised"/g)).toHaveLength(2)
  expect(logged.match(/"alarm-cleared"/g)).toHaveLength(1)
})

test('what cannot be recorded is recorded in order once it can be', async () => {
  await owner.knex.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
  alarms.raise('stream_behind')
  alarms.clear('stream_behind')
  await eventually('a try', () => logged.includes('alarm-unrecorded'))
  expect(await recorded()).toEqual([])
  await owner.knex.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
  await eventually('the record', async () => (await recorded()).length === 2)
  expect(await recorded()).toMatchObject([{ type: 'alarm.raised' }, { type: 'alarm.cleared' }])
})

test('nothing may be done while an alarm stands that stops the replica, whatever others come and go', async () => {
  alarms.raise('anchor_unreachable')
  alarms.assertSound()
  await alarms.whenSound()
  alarms.raise('audit_log_inconsistent')
  alarms.raise('anchor_ahead')
  let sound = false
  const waiting = alarms.whenSound().then(() => {
    sound = true
  })
  expect(() => alarms.assertSound()).toThrow(expect.objectContaining({ code: 'audit_unavailable' }))
  alarms.clear('anchor_unreachable')
  alarms.clear('anchor_ahead')
  await new Promise(resolve => setImmediate(resolve))
  expect(sound).toBe(false)
  alarms.clear('audit_log_inconsistent')
  await waiting
  alarms.assertSound()
})

describe('the log is watched', () => {
  const codes = () => alarms.active().map(({ code }) => code)
  let stop: () => void
  beforeEach(() => {
    stop = watchLog({ knex: gateway.knex, clock: systemClock, alarms, pause: 10 })
  })
  afterEach(() => {
    stop()
  })

  test('an INSERT that is not allowed raises the alarm; it ends when an event could be written, and none was', async () => {
    await owner.knex.raw('REVOKE INSERT ON audit_events FROM sealpost_gateway')
    await expect(record()).rejects.toMatchObject({ code: 'audit_unavailable', temporary: true })
    expect(codes()).toEqual(['audit_append_failed'])
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(codes()).toEqual(['audit_append_failed'])
    await owner.knex.raw('GRANT INSERT ON audit_events TO sealpost_gateway')
    await eventually('the end', () => codes().length === 0)
    await eventually('the record', async () => (await recorded()).length === 2)
    expect(await recorded()).toMatchObject([{ type: 'alarm.raised' }, { type: 'alarm.cleared' }])
  })

  test.each([
    ['disk full', '53100'],
    ['out of memory', '53200'],
    ['input or output failed', '58030'],
    ['read-only', '25006'],
    ['a constraint', '23514'],
    ['an index is corrupted', 'XX002'],
  ])('%s (%s): the log cannot be written', async (_name, sqlstate) => {
    await withFailure(sqlstate, async () => {
      await expect(record()).rejects.toMatchObject({
        code: 'audit_unavailable',
        details: { detail: sqlstate },
      })
      expect(codes()).toEqual(['audit_append_failed'])
    })
    await eventually('the end', () => codes().length === 0)
  })

  test.each([
    ['the connection is gone', '08006', 'database_unavailable'],
    ['the server shuts down', '57P01', 'database_unavailable'],
    ['a deadlock', '40P01', '40P01'],
  ])('%s (%s): it is not the log that failed', async (_name, sqlstate, code) => {
    await withFailure(sqlstate, async () => {
      await expect(record()).rejects.toMatchObject({ code })
      expect(codes()).toEqual([])
    })
  })

  test('a transaction that had failed before, and was gone on with: it is not the log that failed', async () => {
    const failed = gateway.knex.transaction(async trx => {
      await trx.raw('SELECT 1 / 0').catch(() => undefined)
      await appendEvents(trx, systemClock, [{ actor: { kind: 'gateway' }, event: some }])
    })
    await expect(failed).rejects.toMatchObject({ code: '25P02' })
    expect(codes()).toEqual([])
  })

  test('an event with a card number is refused and raises an alarm that stops nothing', async () => {
    const event: AuditEvent = {
      type: 'application.added',
      application: newId('app', systemClock),
      san: 'URI:urn:4111111111111111',
    }
    await expect(record(event)).rejects.toMatchObject({ code: 'internal_error' })
    expect(codes()).toEqual(['audit_event_refused'])
    alarms.assertSound()
    await eventually('the record', async () => (await recorded()).length === 1)
    expect(await recorded()).toMatchObject([{ type: 'alarm.raised', alarm: 'audit_event_refused' }])
    expect(logged).not.toContain('4111')
  })

  async function withFailure(sqlstate: string, run: () => Promise<void>): Promise<void> {
    await owner.knex.raw(`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlstate}'; END $$;
      CREATE TRIGGER fail BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION fail()`)
    try {
      await run()
    } finally {
      await owner.knex.raw('DROP TRIGGER fail ON audit_events; DROP FUNCTION fail')
    }
  }
})

describe('the clock is watched', () => {
  let ahead = 0
  let passed = 0
  const clock = { now: () => new Date(Date.now() + ahead + passed) }
  const monotonic = () => performance.now() + passed
  let watch: ReturnType<typeof watchClock>
  beforeEach(() => {
    ahead = 0
    passed = 0
  })
  afterEach(() => {
    watch.stop()
  })
  const open = async () => {
    watch = watchClock({ knex: gateway.knex, clock, monotonic, log, alarms, every: 3_600_000 })
    await watch.check()
  }
  const told = async () =>
    (await recorded()).filter(event => 'type' in event && event.type === 'clock.wrong') as {
      against: string
      differenceMs: number
    }[]
  const raised = () => alarms.active().map(({ code }) => code)

  test('clocks that agree raise nothing', async () => {
    await open()
    expect(raised()).toEqual([])
    expect(await told()).toEqual([])
  })

  test.each([10_000, -10_000, 365 * 86_400_000])(
    'a replica whose clock is %i ms ahead of the database says so, until it is right again',
    async difference => {
      ahead = difference
      await open()
      expect(raised()).toEqual(['clock_wrong'])
      await watch.check()
      const [event, ...more] = await told()
      expect(more).toEqual([])
      expect(event).toMatchObject({ against: 'database' })
      // The way to the database and back is uncertain, and counted as agreement.
      expect(Math.abs((event?.differenceMs ?? 0) - difference)).toBeLessThan(3_000)
      expect(logged).toContain('"clock-wrong"')
      alarms.assertSound()
    },
  )

  test('a clock that jumps is told of, also when it then agrees with the database', async () => {
    ahead = -8_000
    await open()
    ahead = 0
    await watch.check()
    expect(raised()).toEqual(['clock_wrong'])
    await watch.check()
    expect(raised()).toEqual([])
  })

  test('it is told again after an hour', async () => {
    ahead = 10_000
    await open()
    passed += 3_600_001
    ahead -= 3_600_001
    await watch.check()
    expect((await told()).length).toBeGreaterThan(1)
  })

  test('events of a clock that was put back keep their order', async () => {
    const at = () => ({ now: () => new Date(Date.now() + ahead) })
    for (ahead of [0, -365 * 86_400_000, 365 * 86_400_000]) {
      await recordEvent(gateway.knex, at(), { kind: 'gateway' }, some)
    }
    await open()
    const times = (await recorded())
      .filter(event => 'type' in event && event.type === some.type)
      .map(event => new Date((event as { at: string }).at).getFullYear())
    const year = new Date().getFullYear()
    expect(times).toEqual([year, year - 1, year + 1])
  })
})
