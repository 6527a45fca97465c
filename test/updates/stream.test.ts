import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { addApplication } from '../../src/access/index.ts'
import { type Update, update } from '../../src/contract/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { eventually } from '../support/locks.ts'
import { send } from '../support/request.ts'
import { type Heard, type Listening, listen } from './stream.ts'

let house: House
let client: Identity
let other: Identity
const open: Listening[] = []

beforeAll(async () => {
  house = await openHouse()
  await house.addRecipient('disputes@acquirer.example')
  client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
  other = await issueClientCertificate(house.authority, { uri: 'urn:test:other', days: 1 })
  await addApplication(house.owner, systemClock, {
    name: 'other',
    san: 'URI:urn:test:other',
    senders: [house.sender],
  })
})
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})
afterAll(() => house.close())

const follow = async (path: string, as = client, after?: string): Promise<Listening> => {
  const listening = await listen(house, as, path, after)
  open.push(listening)
  return listening
}

async function post(reference?: string): Promise<string> {
  const answer = await house.client.post({
    from: house.sender,
    to: ['disputes@acquirer.example'],
    subject: 'Refund',
    text: 'Card 4111 1111 1111 1111',
    reference,
  })
  expect(answer.status).toBe(202)
  return (answer.body as { id: string }).id
}

test('an application hears what becomes of its messages while it happens, and of nobody else’s', async () => {
  const [mine, theirs] = [await follow('/v1/updates'), await follow('/v1/updates', other)]
  expect(mine).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
  })
  const message = await post('refund-1')
  const [heard] = await mine.until(1)
  expect(heard).toMatchObject({
    event: 'delivery.delivered',
    data: {
      type: 'delivery.delivered',
      data: {
        message,
        reference: 'refund-1',
        state: 'delivered',
        delivery: { recipient: 'disputes@acquirer.example', state: 'delivered', outcome: 'delivered' },
      },
    },
  })
  expect(update.parse(heard?.data)).toEqual(heard?.data)
  expect(theirs.heard()).toEqual([])
})

test('a stream of one message tells it from the beginning, and another application’s does not exist', async () => {
  const message = await post()
  const whole = await follow('/v1/updates')
  const mine = await follow(`/v1/messages/${message}/updates`)
  expect(await mine.until(1)).toMatchObject([{ data: { data: { message } } }])
  const later = await follow(`/v1/messages/${message}/updates`)
  expect(await later.until(1)).toEqual(mine.heard())
  const path = `/v1/messages/${message}/updates`
  const asked = await send(house, { path, cert: other.certificate, key: other.key })
  expect([asked.status, JSON.parse(asked.text)]).toMatchObject([404, { code: 'not_found' }])
  await post()
  await whole.until(1)
  expect(mine.heard()).toHaveLength(1)
})

test('after Last-Event-ID a stream goes on without a gap and without telling anything twice', async () => {
  const told = (heard: readonly Heard[]) => heard.map(({ data }) => (data as Update).data.message)
  const first = await follow('/v1/updates')
  const messages = [await post()]
  await eventually('the first', () => told(first.heard()).includes(messages[0] ?? ''))
  first.close()
  const last = first.heard().at(-1)
  for (let i = 0; i < 3; i++) messages.push(await post())
  const second = await follow('/v1/updates', client, last?.id)
  await second.until(3)
  messages.push(await post())
  expect(told(await second.until(4)).toSorted()).toEqual(messages.slice(1).toSorted())
  expect(second.text()).not.toContain('event: reset')
})

test('a cursor whose place is forgotten is told so; one that is none is refused', async () => {
  const old = await follow('/v1/updates', client, 'b-b')
  expect((await old.until(1))[0]).toMatchObject({ event: 'reset' })
  for (const cursor of ['1-2', 'x', 'b-', '-', `${'j'.repeat(20)}-b`, '4111 1111 1111 1112'])
    expect(await follow('/v1/updates', client, cursor)).toMatchObject({ status: 400 })
})

test('what cannot be streamed is refused: other methods, strangers, too many', async () => {
  for (const method of ['HEAD', 'POST', 'DELETE']) {
    const asked = await send(house, {
      method,
      path: '/v1/updates',
      cert: client.certificate,
      key: client.key,
    })
    expect([asked.status, asked.headers['allow']]).toEqual([405, 'GET'])
  }
  const stranger = await issueClientCertificate(house.authority, { uri: 'urn:test:nobody', days: 1 })
  expect(await follow('/v1/updates', stranger)).toMatchObject({ status: 403 })
  const many = await Promise.all(Array.from({ length: 55 }, () => follow('/v1/updates')))
  expect(many.filter(({ status }) => status === 200)).toHaveLength(50)
  expect(many.filter(({ status }) => status === 429)).toHaveLength(5)
  expect((await follow('/v1/updates', other)).status).toBe(200)
})

test('when the replica stops, streams end in order', async () => {
  const stream = await follow('/v1/updates', other)
  expect(stream.status).toBe(200)
  await house.gateway.stop()
  expect(stream.ended()).toBe(true)
})
