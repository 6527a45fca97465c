import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Correspondent } from '../../src/demo/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { openDeliveries } from './load.ts'

let house: House
let to: Correspondent
let broken: string | undefined
beforeAll(async () => {
  house = await openHouse()
  to = await house.addRecipient('a@bank.test')
})
afterEach(() => repair())
afterAll(() => house.close())

const post = (address: string = to.address) =>
  house.client.post({
    from: house.sender,
    to: [address],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
  })

describe('an INSERT that fails while a message is accepted', () => {
  test.each([
    ['messages', 'true', '22000', 500, 'internal_error'],
    ['deliveries', 'true', '22000', 500, 'internal_error'],
    ['pgboss.job', 'true', '22000', 500, 'internal_error'],
    ['audit_events', `NEW.type = 'message.accepted'`, '22000', 503, 'audit_unavailable'],
    // disk_full
    ['messages', 'true', '53100', 503, 'database_unavailable'],
    ['audit_events', 'true', '53100', 503, 'audit_unavailable'],
  ])(
    'into %s, when %s, with %s: refused with %i, no trace of it, and the next one is taken',
    async (table, when, sqlstate, status, code) => {
      const before = await counts()
      const mails = house.inbox.length
      await breakInsert(table, when, sqlstate)
      expect(await post()).toMatchObject({ status, body: { code } })
      expect(await counts()).toEqual(before)
      expect(await brokenInvariants(house.owner)).toEqual([])
      await repair()

      // A replica that could not write its log takes nothing until it was seen to write again.
      await eventually('readiness', async () => (await post()).status === 202)
      await house.received(mails + 1)
      await eventually('the record', async () => (await openDeliveries(house.owner)) === 0)
      expect(house.inbox).toHaveLength(mails + 1)
      expect(await brokenInvariants(house.owner)).toEqual([])
    },
  )
})

test('of many messages at once only the one that fails is refused', async () => {
  const poison = await house.addRecipient('poison@bank.test')
  const mails = house.inbox.length
  await breakInsert('deliveries', `NEW.address = 'poison@bank.test'`, '22000')
  const posts = Array.from({ length: 24 }, (_, i) => post(i === 7 ? poison.address : to.address))
  const statuses = (await Promise.all(posts)).map(({ status }) => status)
  expect(statuses.filter(status => status === 202)).toHaveLength(23)
  expect(statuses[7]).toBe(500)
  await house.received(mails + 23)
  await eventually('the records', async () => (await openDeliveries(house.owner)) === 0)
  expect(await brokenInvariants(house.owner)).toEqual([])
})

describe('an INSERT that fails while an attempt is recorded', () => {
  test.each([
    ['attempts', 'true', '22000'],
    ['audit_events', `NEW.type = 'delivery.delivered'`, '22000'],
    ['attempts', 'true', '53100'],
  ])(
    'into %s, when %s, with %s: nothing more is sent until it can be recorded, and nothing twice',
    async (table, when, sqlstate) => {
      const mails = house.inbox.length
      const failed = failures()
      await breakInsert(table, when, sqlstate)
      await eventually('readiness', async () => (await post()).status === 202)
      await house.received(mails + 1)
      await eventually('the failure', () => failures() > failed)
      // Longer than a courier needs to send what it may send.
      await new Promise(resolve => setTimeout(resolve, 300))
      // Where it is the log that cannot be written, not even taken.
      const taken = (await post()).status === 202 ? 1 : 0
      expect(taken === 1 || table === 'audit_events').toBe(true)
      await new Promise(resolve => setTimeout(resolve, 500))
      expect(house.inbox).toHaveLength(mails + 1)
      expect(await openDeliveries(house.owner)).toBe(1 + taken)
      expect(await brokenInvariants(house.owner)).toEqual([])
      await repair()

      await eventually('both records', async () => (await openDeliveries(house.owner)) === 0)
      expect(house.inbox).toHaveLength(mails + 1 + taken)
      expect(await brokenInvariants(house.owner)).toEqual([])
    },
  )
})

function failures(): number {
  return house.log().split('results-unrecorded').length
}

async function counts(): Promise<unknown> {
  const { rows } = await house.owner.raw<{ rows: unknown[] }>(
    `SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM deliveries), (SELECT count(*) FROM pgboss.job),
            (SELECT count(*) FROM audit_events WHERE type = 'message.accepted')`,
  )
  return rows
}

async function breakInsert(table: string, when: string, sqlstate: string): Promise<void> {
  broken = table
  await house.owner.raw(`
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlstate}'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION fail()`)
}

async function repair(): Promise<void> {
  if (broken === undefined) return
  await house.owner.raw(`DROP TRIGGER fail ON ${broken}; DROP FUNCTION fail`)
  broken = undefined
}
