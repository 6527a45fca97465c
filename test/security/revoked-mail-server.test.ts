import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DeliveryStatus } from '../../src/delivery/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { ok } from '../support/https-server.ts'
import { createRevokingAuthority, type RevokingAuthority } from '../support/revoking-authority.ts'
import { setDestination } from '../support/shortcut.ts'
import { startSink } from '../support/smtp-sink.ts'

const opened = new AsyncDisposableStack()
let house: House
let ca: RevokingAuthority
let list: Buffer
let url: string

beforeAll(async () => {
  house = opened.adopt(await openHouse(), running => running.close())
  ca = await createRevokingAuthority('Mail CA')
  // Plain HTTP, as CAs publish their lists.
  const published = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(ok(list)))
  }).listen(0, '127.0.0.1')
  await once(published, 'listening')
  opened.defer(() => void published.close())
  url = `http://localhost:${(published.address() as AddressInfo).port}/mail.crl`
})
afterAll(() => opened.disposeAsync())

/** Sends to a new domain whose one server shows this certificate; gives what became of the first attempt. */
async function deliverTo(domain: string, pem: { certificate: string; key: string }) {
  const sink = await startSink(pem)
  opened.defer(() => sink.stop())
  await house.addRecipient(`lena@${domain}`)
  await setDestination(house.owner, domain, {
    mode: 'pinned',
    hosts: [{ name: 'localhost', port: sink.port, tls: 'starttls' }],
    pins: { ca: ca.certificate.toString() },
  })
  const { status, body } = await house.client.post({
    from: house.sender,
    to: [`lena@${domain}`],
    subject: 'Statement',
    text: 'Card 4111 1111 1111 1111',
  })
  expect(status, JSON.stringify(body)).toBe(202)
  const path = `/v1/messages/${(body as { id: string }).id}`
  for (let tries = 0; tries < 400; tries++) {
    const answer = await house.client.get(path)
    const [delivery] = (answer.body as { deliveries: readonly DeliveryStatus[] }).deliveries
    if (delivery !== undefined && delivery.state !== 'sending' && delivery.attempts.length > 0)
      return { delivery, sink }
    await sleep(50)
  }
  throw new Error(`no attempt; log:\n${house.log()}`)
}

test('a gateway sends nothing to a server whose certificate its CA has revoked', async () => {
  const revoked = await ca.issue({ name: 'localhost', lists: [url] })
  list = ca.list({ revoked: [revoked.certificate] })
  const { delivery, sink } = await deliverTo('revoked.test', revoked.pem)
  expect(delivery).toMatchObject({ state: 'queued', outcome: 'tls_certificate_revoked' })
  expect(sink.connections).toBeGreaterThan(0)
  expect(sink.mails).toEqual([])
})

test('and says in the evidence that it looked, and what was known', async () => {
  const sound = await ca.issue({ name: 'localhost', lists: [url] })
  const { delivery, sink } = await deliverTo('sound.test', sound.pem)
  expect(delivery.attempts[0]?.tls).toMatchObject({ rule: 'pinned', revocation: 'good' })
  expect(sink.mails).toHaveLength(1)
  const mute = await ca.issue({ name: 'localhost' })
  const unknown = await deliverTo('mute.test', mute.pem)
  expect(unknown.delivery.attempts[0]?.tls).toMatchObject({ revocation: 'unknown' })
  const kept = await house.owner('revocation_lists').select<{ url: string }[]>('url')
  expect(kept).toEqual([{ url }])
})
