import type { IncomingMessage } from 'node:http'
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

const size = 8_000_000
const body = (): string =>
  JSON.stringify({ from: sender, to: [to], subject: 'Refund', text: 'Hello' }).padEnd(size)

interface Upload {
  /** Resolves once the gateway has taken more than it keeps by itself: the sealer has the rest of it. */
  readonly begun: Promise<void>
  finish(): Promise<IncomingMessage>
}

/** A large request, of which a sealer gets the first part: small ones are read before they take a place there. */
function beginUpload(): Upload {
  const { certificate: cert, key } = ground.client
  const headers = { 'content-type': 'application/json', 'content-length': size }
  const where = { host: 'localhost', port: gateway.apiPort, ca: ground.authority.certificate, agent: false }
  const upload = request({ ...where, cert, key, method: 'POST', path: '/v1/messages', headers })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve).once('error', reject)
  })
  answer.catch(() => undefined)
  const begun = new Promise<void>(resolve => {
    upload.write(body().slice(0, size - 100_000), () => resolve())
  })
  return {
    begun,
    finish() {
      upload.end(body().slice(size - 100_000))
      return answer
    },
  }
}

test('SIGKILL of every sealer under load: what was in them gets 503, everything after is sealed again', async () => {
  const load = prepareLoad(200, to)
  // Each sealer works on one large body at a time.
  const uploads = [beginUpload(), beginUpload()]
  await Promise.all(uploads.map(({ begun }) => begun))
  const posting = (async () => {
    while (load.left > 0) await load.post(gateway.client, 16)
  })()
  await eventually('some of the load', () => load.acknowledged.length >= 50)
  const former = gateway.sealers()
  expect(former).toHaveLength(2)
  for (const pid of former) process.kill(pid, 'SIGKILL')
  await eventually('their death', () => former.every(pid => !gateway.sealers().includes(pid)))

  for (const upload of uploads) {
    const answer = await upload.finish()
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

  expect((await beginUpload().finish()).statusCode).toBe(202)
  await eventually('all deliveries', async () => (await openDeliveries(ground.owner)) === 0)
  const arrived = byMessageId(sink.mails)
  expect(arrived.size).toBe(201)
  expect((await messageIdsOf(ground.owner, load.acknowledged)).filter(id => !arrived.has(id))).toEqual([])
  expect(await brokenInvariants(ground.owner)).toEqual([])
  await eventually('two new sealers', () => gateway.sealers().length === 2)
})
