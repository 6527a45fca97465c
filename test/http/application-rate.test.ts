import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication, changeApplication } from '../../src/access/index.ts'
import { openApplicationRates } from '../../src/http/api/limits/rate.ts'
import { type ApplicationId, systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'

const id = 'app_00000000000000000000000001' as ApplicationId
const refused = (retryAfterSeconds: number) =>
  expect.objectContaining({ code: 'too_many_requests', details: { retryAfterSeconds } }) as Error

test("a minute's worth passes at once, then one for each share of a minute", () => {
  let now = 0
  const rates = openApplicationRates(() => now)
  const take = (ratePerMinute = 3) => rates.take({ id, ratePerMinute }, 'messages')
  expect(take()).toEqual({ quota: 3, left: 2, reset: 20 })
  take()
  expect(take()).toEqual({ quota: 3, left: 0, reset: 60 })
  expect(take).toThrow(refused(20))
  now = 19_999
  expect(take).toThrow(refused(1))
  now = 20_000
  take()
  expect(take).toThrow(refused(20))
  now = 3_600_000
  for (let i = 0; i < 3; i++) take()
  expect(take).toThrow(refused(20))
})

test('a rate that is changed holds from the next request on', () => {
  const rates = openApplicationRates(() => 0)
  const take = (ratePerMinute: number) => rates.take({ id, ratePerMinute }, 'messages')
  for (let i = 0; i < 3; i++) take(3)
  expect(take(5)).toEqual({ quota: 5, left: 1, reset: 48 })
  expect(() => take(1)).toThrow(refused(60))
})

test('applications, and what is read, are counted apart', () => {
  const rates = openApplicationRates(() => 0)
  rates.take({ id, ratePerMinute: 1 }, 'messages')
  rates.take({ id: 'app_00000000000000000000000002' as ApplicationId, ratePerMinute: 1 }, 'messages')
  for (let i = 0; i < 10; i++) rates.take({ id, ratePerMinute: 1 }, 'reads')
  expect(() => rates.take({ id, ratePerMinute: 1 }, 'reads')).toThrow(refused(6))
})

let house: House
let client: Identity
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  client = await issueClientCertificate(house.authority, { uri: 'urn:test:eager', days: 1 })
  await addApplication(house.owner, systemClock, {
    name: 'eager',
    san: 'URI:urn:test:eager',
    senders: [house.sender],
    ratePerMinute: 2,
  })
})
afterAll(() => house.close())

const ask = (method: string, path: string, body = '{}') => {
  const { certificate: cert, key } = client
  const headers = { 'content-type': 'application/json' }
  return send(house, { method, path, headers, cert, key }, method === 'GET' ? '' : body)
}

test('an application is told its rate, what is left of it, and when to come back', async () => {
  const first = await ask('POST', '/v1/messages')
  expect(first.status).toBe(400)
  expect(first.headers['ratelimit-policy']).toBe('"messages";q=2;w=60')
  expect(first.headers['ratelimit']).toBe('"messages";r=1;t=30')
  await ask('POST', '/v1/messages')
  const third = await ask('POST', '/v1/messages')
  expect(third.status).toBe(429)
  expect(JSON.parse(third.text)).toMatchObject({ code: 'too_many_requests', retryable: true })
  expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
  expect(Number(third.headers['retry-after'])).toBeLessThanOrEqual(30)
  expect((await ask('GET', '/v1/messages/msg_00000000000000000000000001')).status).toBe(404)
  expect((await house.client.post({})).status).toBe(400)

  await changeApplication(house.owner, systemClock, 'eager', { ratePerMinute: 1_000 })
  expect((await ask('POST', '/v1/messages')).status).toBe(400)
})

test('that it was refused is on record once, under its name, and then counted', async () => {
  await changeApplication(house.owner, systemClock, 'eager', { ratePerMinute: 1 })
  for (let i = 0; i < 3; i++) expect((await ask('POST', '/v1/messages')).status).toBe(429)
  const rows = await house.owner('audit_events').where({ type: 'request.refused' }).pluck<string[]>('body')
  const events = rows.map(row => JSON.parse(row) as { code: string; actor: object })
  const found = events.filter(({ code }) => code === 'too_many_requests')
  expect(found).toHaveLength(1)
  expect(found[0]?.actor).toMatchObject({ kind: 'application' })
})
