import type { ClientRequest, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { type Ground, openGround, type Serving, sender } from '../support/serve.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { byMessageId, messageIdsOf, openDeliveries, prepareLoad } from './load.ts'

let ground: Ground
let sink: Sink
let gateway: Serving
let to: string
beforeAll(async () => {
  ground = await openGround()
  sink = await startSink(ground.mailIdentity)
  to = (await ground.addRecipient('a@bank.test', sink.port)).address
  gateway = await ground.serve({ settings: { SEALPOST_SEALERS: '2' } })
})
afterAll(async () => {
  await ground.close()
  await sink.stop()
})

const body = (): string =>
  JSON.stringify({ from: sender, to: [to], subject: 'Refund', text: 'Hello' }).padEnd(300_000)

/** A request of which a sealer has the first part. */
function beginUpload(): { readonly request: ClientRequest; readonly answer: Promise<IncomingMessage> } {
  const { certificate: cert, key } = ground.client
  const headers = { 'content-type': 'application/json', 'content-length': '300000' }
  const where = { host: 'localhost', port: gateway.apiPort, ca: ground.authority.certificate, agent: false }
  const upload = request({ ...where, cert, key, method: 'POST', path: '/v1/messages', headers })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve).once('error', reject)
  })
  upload.write(body().slice(0, 200_000))
  return { request: upload, answer }
}

test('SIGKILL of every sealer under load: what was in them gets 503, everything after is sealed again', async () => {
  const load = prepareLoad(200, to)
  const posting = (async () => {
    while (load.left > 0) await load.post(gateway.client, 16)
  })()
  const uploads = Array.from({ length: 4 }, beginUpload)
  await eventually('some of the load', () => load.acknowledged.length >= 50)
  const former = gateway.sealers()
  expect(former).toHaveLength(2)
  for (const pid of former) process.kill(pid, 'SIGKILL')
  await eventually('their death', () => former.every(pid => !gateway.sealers().includes(pid)))

  for (const upload of uploads) {
    upload.request.end(body().slice(200_000))
    const answer = await upload.answer
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    expect(await json(answer)).toMatchObject({ code: 'sealer_unavailable', retryable: true })
  }
  await posting
  // Two processes, eight messages each at most: nobody else may have noticed.
  expect(load.refusals.length).toBeLessThanOrEqual(16)
  expect(load.refusals.filter(({ status, code }) => status !== 503 || code !== 'sealer_unavailable')).toEqual(
    [],
  )

  const later = beginUpload()
  later.request.end(body().slice(200_000))
  expect((await later.answer).statusCode).toBe(202)
  await eventually('all deliveries', async () => (await openDeliveries(ground.owner)) === 0)
  const arrived = byMessageId(sink.mails)
  expect(arrived.size).toBe(201)
  expect((await messageIdsOf(ground.owner, load.acknowledged)).filter(id => !arrived.has(id))).toEqual([])
  expect(await brokenInvariants(ground.owner)).toEqual([])
  await eventually('two new sealers', () => gateway.sealers().length === 2)
})
