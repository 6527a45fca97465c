import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addApplication, listApplications } from '../../src/access/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { openForgetting } from '../../src/intake/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'

let house: House
let recipient: Correspondent
let client: Identity

beforeAll(async () => {
  house = await openHouse()
  recipient = await house.addRecipient('disputes@acquirer.example')
  const [application] = await listApplications(house.owner)
  client = await issueClientCertificate(house.authority, {
    uri: (application?.san ?? '').replace('URI:', ''),
    days: 1,
  })
})
afterAll(() => house.close())

const messageOf = (text: string) =>
  JSON.stringify({ from: 'settlement@payments.example', to: [recipient.address], subject: 'Refund', text })

async function post(key: string | readonly string[] | undefined, body: string, as = client) {
  const headers = {
    'content-type': 'application/json',
    ...(key === undefined ? {} : { 'idempotency-key': key as string }),
  }
  const answer = await send(
    house,
    { method: 'POST', path: '/v1/messages', headers, cert: as.certificate, key: as.key },
    body,
  )
  return {
    status: answer.status,
    retryAfter: answer.headers['retry-after'],
    body: JSON.parse(answer.text) as Record<string, unknown>,
  }
}
/** Transactions that wait for another to end. */
async function waiting(): Promise<number> {
  const { rowCount } = await house.owner.raw<{ rowCount: number }>(
    `SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
  )
  return rowCount
}
const messages = async () =>
  Number((await house.owner('messages').count<{ count: string }[]>('* as count'))[0]?.count)

test('the same request again gets the same answer, and there is one message', async () => {
  const key = `"${randomUUID()}"`
  const before = await messages()
  const first = await post(key, messageOf('Card 4111 1111 1111 1111'))
  expect(first.status).toBe(202)
  for (let i = 0; i < 3; i++) expect(await post(key, messageOf('Card 4111 1111 1111 1111'))).toEqual(first)
  expect(await post(key.slice(1, -1), messageOf('Card 4111 1111 1111 1111'))).toEqual(first)
  expect(await messages()).toBe(before + 1)
})

test('another body under a known key is refused, and the first message stands', async () => {
  const key = randomUUID()
  const first = await post(key, messageOf('one'))
  expect(await post(key, messageOf('two'))).toMatchObject({
    status: 409,
    body: { code: 'idempotency_key_reused', retryable: false },
  })
  expect(await post(key, messageOf('one'))).toEqual(first)
})

test('a refused request leaves no key behind', async () => {
  const key = randomUUID()
  expect(await post(key, messageOf('CVV: 123'))).toMatchObject({ status: 422 })
  expect(await post(key, messageOf('no code'))).toMatchObject({ status: 202 })
})

test('200 requests of one key at once make exactly one message', async () => {
  const key = randomUUID()
  const before = await messages()
  const answers = await Promise.all(Array.from({ length: 200 }, () => post(key, messageOf('once'))))
  const accepted = answers.filter(({ status }) => status === 202)
  expect(new Set(accepted.map(({ body }) => body['id'])).size).toBe(1)
  for (const { status, retryAfter, body } of answers.filter(answer => answer.status !== 202)) {
    expect({ status, retryAfter, code: body['code'] }).toEqual({
      status: 409,
      retryAfter: '1',
      code: 'idempotency_in_flight',
    })
  }
  expect(await messages()).toBe(before + 1)
})

test('what another replica answers meanwhile is the answer, and nothing is accepted twice', async () => {
  const [key, body] = [randomUUID(), messageOf('by whichever replica')]
  const first = await post(randomUUID(), body)
  const before = await messages()
  const row = await house
    .owner('idempotency_keys')
    .where({ message_id: first.body['id'] as string })
    .first<object>()
  const trx = await house.owner.transaction()
  await trx('idempotency_keys').insert({ ...row, key })
  const answering = post(key, body)
  await expect.poll(waiting, { timeout: 20_000 }).toBeGreaterThan(0)
  await trx.commit()
  expect(await answering).toEqual(first)
  expect(await messages()).toBe(before)
})

test('keys of different applications have nothing to do with each other', async () => {
  const key = randomUUID()
  const san = 'urn:test:other'
  await addApplication(house.owner, systemClock, {
    name: 'other',
    san: `URI:${san}`,
    senders: ['@payments.example'],
  })
  const other = await issueClientCertificate(house.authority, { uri: san, days: 1 })
  const [mine, theirs] = [await post(key, messageOf('one')), await post(key, messageOf('two'), other)]
  expect([mine.status, theirs.status]).toEqual([202, 202])
  expect(mine.body['id']).not.toBe(theirs.body['id'])
})

test.each([['""'], ['"a'], ['a b'], ['"a\\"b"'], ['é'], ['x'.repeat(129)], [['a', 'b']]])(
  'a key of another form is refused: %j',
  async key => {
    expect(await post(key, messageOf('x'))).toMatchObject({
      status: 400,
      body: { code: 'invalid_idempotency_key' },
    })
  },
)

test('a card number as a key is refused', async () => {
  expect(await post('4111111111111111', messageOf('x'))).toMatchObject({
    status: 422,
    body: { code: 'pan_not_allowed_here' },
  })
})

test('the table holds neither the body nor a hash that anybody could recompute, and keys are forgotten after seven days', async () => {
  const key = randomUUID()
  await post(key, messageOf('guess'))
  const row = await house.owner('idempotency_keys').where({ key }).first<{ fingerprint: string }>()
  expect(row.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  const later = { now: () => new Date(Date.now() + 8 * 24 * 3_600_000) }
  const forgetting = openForgetting(house.owner, later, { error: () => undefined } as never)
  forgetting.stop()
  await expect
    .poll(async () => house.owner('idempotency_keys').where({ key }), { timeout: 20_000 })
    .toEqual([])
})
