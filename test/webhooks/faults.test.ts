import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Update } from '../../src/contract/index.ts'
import type { WebhookId } from '../../src/kernel/index.ts'
import { eventually } from '../support/locks.ts'
import { type Bench, openBench } from './support.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterEach(() => bench.stopAll())
afterAll(() => bench.close())

let made = 0
const accept = (count: number) =>
  bench.post.accept(...Array.from({ length: count }, () => `r${++made}@bank.test`))
const waiting = async (webhook: WebhookId): Promise<number> => {
  const { rowCount } = await bench.post.owner.raw<{ rowCount: number }>(
    `SELECT FROM webhook_calls WHERE webhook_id = ? AND state = 'waiting'`,
    [webhook],
  )
  return rowCount
}
/** What failed is due now, instead of later. */
const hurry = () =>
  bench.post
    .owner('webhook_calls')
    .where({ state: 'waiting' })
    .where('next_attempt_at', '<', new Date(Date.now() + 10_000))
    .update({ next_attempt_at: new Date() })
const standing = (webhook: WebhookId): Promise<Record<string, unknown>> =>
  bench.post.owner('webhooks').where({ id: webhook }).first<Record<string, unknown>>()
const lastEvents = async (webhook: WebhookId): Promise<readonly unknown[]> => {
  const bodies = await bench.post
    .owner('audit_events')
    .whereLike('body', `%${webhook}%`)
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as unknown)
}

test('killed between a call and its record, it is made again under the same id, and no third time', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  const child = fork(new URL('caller-process.ts', import.meta.url))
  const ended = once(child, 'exit')
  receiver.answer = () => {
    child.kill('SIGKILL')
    return new Promise(() => undefined)
  }
  child.send({ gateway: bench.post.database.gateway, ca: bench.authority.certificate, lease: 1500 })
  const [accepted] = await accept(1)
  if (accepted === undefined) throw new Error('nothing was accepted')
  await bench.happens(accepted, 1, 'delivered')
  await ended
  receiver.answer = () => 204
  bench.start()
  await receiver.until(2)
  await eventually('the record', async () => (await waiting(webhook)) === 0)
  await sleep(200)
  const [one, two, ...more] = receiver.calls
  expect(two?.headers['webhook-id']).toBe(one?.headers['webhook-id'])
  expect(two?.payload).toEqual(one?.payload)
  expect(more).toEqual([])
})

test('three replicas tell each message’s updates in order and once, whatever fails meanwhile', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  const all = await accept(6)
  const told = new Map<string, number[]>()
  const underWay = new Set<string>()
  const overlapping: string[] = []
  const attempted = new Map<string, number>()
  receiver.answer = async ({ headers, payload }) => {
    const { data } = payload as Update
    if (underWay.has(data.message)) overlapping.push(data.message)
    underWay.add(data.message)
    await sleep(Math.random() * 10)
    underWay.delete(data.message)
    const id = headers['webhook-id'] ?? ''
    const attempt = (attempted.get(id) ?? 0) + 1
    attempted.set(id, attempt)
    // Every third call fails first.
    if (attempt === 1 && attempted.size % 3 === 0) return 500
    told.set(id, [...(told.get(id) ?? []), receiver.calls.length])
    order.set(data.message, [...(order.get(data.message) ?? []), data.delivery.state])
    return 200
  }
  const order = new Map<string, string[]>()
  for (let i = 0; i < 3; i++) bench.start({ perWebhook: 4 })
  for (let attempt = 1; attempt <= 4; attempt++) {
    await Promise.all(all.map(each => bench.happens(each, attempt, attempt === 4 ? 'delivered' : 'queued')))
  }
  await eventually(
    'everything is told',
    async () => {
      await hurry()
      await bench.post.owner('webhooks').update({ paused_until: null })
      return (await waiting(webhook)) === 0
    },
    60,
  )
  for (const { message } of all)
    expect(order.get(message)).toEqual(['queued', 'queued', 'queued', 'delivered'])
  expect(overlapping).toEqual([])
  for (const times of told.values()) expect(times).toHaveLength(1)
}, 90_000)

test('an endpoint that answers nothing holds up no other', async () => {
  const [dead, alive] = [await bench.receiver(), await bench.receiver()]
  const [deadId, aliveId] = [await bench.add(dead), await bench.add(alive)]
  dead.answer = () => new Promise(() => undefined)
  // It has its places for longer than the test takes.
  bench.start({ perWebhook: 2, atOnce: 4, deadline: 90_000, lease: 300_000 })
  for (const each of await accept(40)) await bench.happens(each, 1, 'delivered')
  await eventually('all are told', async () => (await waiting(aliveId)) === 0, 40)
  expect([alive.calls.length, dead.calls.length]).toEqual([40, 2])
  expect(await waiting(deadId)).toBe(40)
  expect(await standing(aliveId)).toMatchObject({ last_failure: null, last_status: 204, failing_since: null })
}, 60_000)

test('while the audit log is not to be trusted nobody is told anything; then everything', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  let sound = false
  let asked = 0
  const isSound = () => {
    asked++
    return sound
  }
  bench.start({ isSound })
  for (const each of await accept(2)) await bench.happens(each, 1, 'delivered')
  await eventually('a few looks', () => asked > 5)
  expect(receiver.calls).toHaveLength(0)
  sound = true
  await eventually('all are told', async () => (await waiting(webhook)) === 0)
  expect(receiver.calls).toHaveLength(2)
})

test('one that fails is called by one at a time, after pauses, and is told everything once it is back', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  receiver.answer = () => new Promise(() => undefined)
  for (const each of await accept(10)) await bench.happens(each, 1, 'delivered')
  bench.start({ perWebhook: 1, deadline: 200 })
  await eventually('it pauses', async () => (await standing(webhook))['paused_until'] !== null)
  expect(receiver.calls).toHaveLength(2)
  expect(await standing(webhook)).toMatchObject({ last_failure: 'timeout', last_status: null })
  receiver.answer = () => 204
  await bench.post.owner('webhooks').update({ paused_until: null })
  await hurry()
  await eventually('all are told', async () => (await waiting(webhook)) === 0)
  expect(new Set(receiver.calls.map(({ headers }) => headers['webhook-id'])).size).toBe(10)
  expect(await standing(webhook)).toMatchObject({
    failing_since: null,
    paused_until: null,
    last_failure: null,
  })
})

test('a webhook that has failed for five days is disabled, with its event, and its calls are dropped', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  receiver.answer = () => 500
  const sixDaysAgo = new Date(Date.now() - 6 * 86_400_000)
  await bench.post.owner('webhooks').where({ id: webhook }).update({ failing_since: sixDaysAgo })
  for (const each of await accept(3)) await bench.happens(each, 1, 'delivered')
  const caller = bench.start()
  await eventually('it is disabled', async () => (await standing(webhook))['disabled_at'] !== null)
  await caller.stop(1000)
  expect(receiver.calls).toHaveLength(1)
  expect(await lastEvents(webhook)).toMatchObject([
    { type: 'webhook.disabled', reason: 'status_500', actor: { kind: 'gateway' } },
  ])
  // The next replica to start cleans up.
  bench.start()
  await eventually('the others are dropped', async () => (await waiting(webhook)) === 0)
  for (const each of await accept(1)) await bench.happens(each, 1, 'delivered')
  expect(await waiting(webhook)).toBe(0)
})

test('a call is given up after its last attempt, with an event, and the next of its message is made', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  let calls = 0
  receiver.answer = () => (++calls === 1 ? 500 : 200)
  const [accepted] = await accept(1)
  if (accepted === undefined) throw new Error('nothing was accepted')
  await bench.happens(accepted, 1)
  await bench.post.owner('webhook_calls').where({ webhook_id: webhook }).update({ attempts: 9 })
  await bench.happens(accepted, 2, 'delivered')
  bench.start()
  await receiver.until(2)
  await eventually('the record', async () => (await waiting(webhook)) === 0)
  expect(receiver.calls.map(({ payload }) => payload.type)).toEqual([
    'delivery.deferred',
    'delivery.delivered',
  ])
  expect(await lastEvents(webhook)).toMatchObject([{ type: 'webhook.call.given_up', reason: 'status_500' }])
})

test('what comes after a failed call of the same message waits as long, and of another message does not', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  const [failing, other] = await accept(2)
  if (failing === undefined || other === undefined) throw new Error('nothing was accepted')
  receiver.answer = ({ payload }) =>
    'message' in payload.data && payload.data.message === failing.message ? 500 : 200
  await bench.happens(failing, 1)
  await bench.happens(failing, 2, 'delivered')
  await bench.happens(other, 1, 'delivered')
  const caller = bench.start()
  await eventually(
    'the other is told',
    async () => (await waiting(webhook)) === 2 && receiver.calls.length >= 2,
  )
  await caller.stop(1000)
  const rows = await bench.post
    .owner('webhook_calls')
    .where({ webhook_id: webhook, state: 'waiting' })
    .orderBy('id')
  expect(rows).toMatchObject([{ attempts: 1 }, { attempts: 0 }])
  const [first, second] = rows as { next_attempt_at: Date }[]
  expect(second?.next_attempt_at).toEqual(first?.next_attempt_at)
  expect(first?.next_attempt_at.getTime()).toBeGreaterThan(Date.now())
})

test('when the event of a given-up call cannot be written, the call stands', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  receiver.answer = () => 410
  const [accepted] = await accept(1)
  if (accepted === undefined) throw new Error('nothing was accepted')
  await bench.happens(accepted, 1, 'delivered')
  await bench.post.owner.raw(
    "ALTER TABLE audit_events ADD CONSTRAINT no_more CHECK (type <> 'webhook.disabled') NOT VALID",
  )
  const caller = bench.start()
  await receiver.until(1)
  await caller.stop(1000)
  expect([await waiting(webhook), (await standing(webhook))['disabled_at']]).toEqual([1, null])
  await bench.post.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT no_more')
})

test('a revoked application is told nothing more, not even what waited', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  const [before, after] = await accept(2)
  if (before === undefined || after === undefined) throw new Error('nothing was accepted')
  await bench.happens(before, 1, 'delivered')
  await bench.post.owner('applications').update({ revoked_at: new Date() })
  await bench.happens(after, 1, 'delivered')
  expect(await waiting(webhook)).toBe(1)
  const other = await bench.add(receiver)
  await bench.post.owner('webhook_calls').insert({ webhook_id: other })
  bench.start()
  // A test goes through: calls are being made.
  await receiver.until(1)
  await eventually('it is dropped', async () => (await waiting(webhook)) === 0)
  expect(receiver.calls.map(({ payload }) => payload.type)).toEqual(['webhook.test'])
  await bench.post.owner('applications').update({ revoked_at: null })
})

test('a private address is called only when it is allowed, by whatever name', async () => {
  const receiver = await bench.receiver()
  const webhook = await bench.add(receiver)
  for (const each of await accept(1)) await bench.happens(each, 1, 'delivered')
  bench.start({ private: false })
  await eventually(
    'it is refused',
    async () => (await standing(webhook))['last_failure'] === 'address_not_allowed',
  )
  expect(receiver.calls).toEqual([])
})
