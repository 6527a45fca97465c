import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { type Ground, openGround, type Serving } from '../support/serve.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { byMessageId, type Load, messageIdsOf, openDeliveries, prepareLoad } from './load.ts'

const count = 300
let ground: Ground
let sink: Sink
let gateway: Serving
let load: Load
beforeAll(async () => {
  ground = await openGround()
  sink = await startSink(ground.mailIdentity)
  const { address } = await ground.addRecipient('a@bank.test', sink.port)
  load = prepareLoad(count, address)
  gateway = await ground.serve()
})
afterAll(async () => {
  await ground.close()
  await sink.stop()
})

test('SIGTERM under load: the gateway ends in time and of itself, and loses nothing', async () => {
  const posting = load.post(gateway.client, 16)
  await eventually('half of the load', () => load.acknowledged.length >= count / 2)
  const start = performance.now()
  gateway.signal('SIGTERM')
  expect(await gateway.ended).toBe(0)
  expect(performance.now() - start).toBeLessThan(10_000)
  await posting
  expect(load.acknowledged.length).toBeLessThan(count)
  expect(load.refusals.filter(({ status, code }) => status !== 503 || code !== 'stopping')).toEqual([])
  expect(await brokenInvariants(ground.owner)).toEqual([])
  const sending: unknown[] = await ground.owner('pgboss.job').where({ state: 'active' })
  expect(sending).toEqual([])

  // What it handed back needs nobody's heartbeat to end: the next one takes it at once.
  const successor = await ground.serve()
  await load.post(successor.client, 16)
  await eventually('all deliveries', async () => (await openDeliveries(ground.owner)) === 0, 8)
  expect(load.acknowledged).toHaveLength(count)
  const arrived = byMessageId(sink.mails)
  const lost = (await messageIdsOf(ground.owner, load.acknowledged)).filter(id => !arrived.has(id))
  expect(lost).toEqual([])
  expect([...arrived.values()].filter(mails => mails.length > 1)).toEqual([])
  expect(await brokenInvariants(ground.owner)).toEqual([])
})
