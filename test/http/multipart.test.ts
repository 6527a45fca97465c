import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listApplications } from '../../src/access/index.ts'
import type { Correspondent } from '../../src/demo/index.ts'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { attachmentPart, messagePart, multipartBody, type RawPart } from '../support/multipart.ts'
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

const envelope = () => ({
  from: 'settlement@payments.example',
  to: [recipient.address],
  subject: 'Refund',
})

async function post(
  parts: readonly RawPart[],
  { boundary = randomUUID(), type = '', key = '' }: { boundary?: string; type?: string; key?: string } = {},
) {
  const headers = {
    'content-type': type === '' ? `multipart/form-data; boundary=${boundary}` : type,
    ...(key === '' ? {} : { 'idempotency-key': `"${key}"` }),
  }
  const answer = await send(
    house,
    { method: 'POST', path: '/v1/messages', headers, cert: client.certificate, key: client.key },
    multipartBody(boundary, parts),
  )
  return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown> }
}

test('a message in parts is accepted, delivered, and reads as it was sent', async () => {
  const before = house.inbox.length
  const file = randomBytes(300_000)
  const parts = [
    messagePart({ ...envelope(), html: '<p>See the scan</p>', replyTo: envelope().from }),
    attachmentPart('scan.bin', 'application/octet-stream', file),
  ]
  expect((await post(parts)).status).toBe(202)
  const mail = await house.read(recipient, (await house.received(before + 1)).at(-1))
  expect(mail).toMatchObject({ subject: 'Refund', text: expect.stringContaining('See the scan') as string })
})

test('the same message in other boundaries is the same request', async () => {
  const key = randomUUID()
  const parts = [messagePart(envelope()), attachmentPart('a.csv', 'text/csv', 'a,b')]
  const first = await post(parts, { key })
  expect(first.status).toBe(202)
  const boundary = "a b'()+_,-./:=?c"
  const type = `multipart/form-data; boundary="${boundary}"`
  expect(await post(parts, { key, boundary, type })).toEqual(first)
  const other = await post([messagePart(envelope()), attachmentPart('a.csv', 'text/csv', 'a,c')], { key })
  expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_key_reused' } })
})

test('what is wrong is told as for JSON', async () => {
  const csv = attachmentPart('a.csv', 'text/csv', 'CVV2: 123')
  expect(await post([messagePart(envelope()), csv])).toMatchObject({
    status: 422,
    body: { code: 'sad_detected', errors: [{ pointer: '/attachments/0/content' }] },
  })
  expect(await post([csv])).toMatchObject({
    status: 400,
    body: { code: 'invalid_multipart', errors: [{ pointer: '', code: 'message_first' }] },
  })
})

test('an application hears of a wrong message before it has sent all attachments', async () => {
  const begun = multipartBody('x', [messagePart({ ...envelope(), to: [] }), attachmentPart('a', 'a/b', '')])
  const outgoing = request({
    host: 'localhost',
    port: house.port,
    ca: house.authority.certificate,
    cert: client.certificate,
    key: client.key,
    agent: false,
    method: 'POST',
    path: '/v1/messages',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  })
  outgoing.write(begun.subarray(0, -10))
  // More than a sealer is given at once, so that it has the first piece; and never an end.
  const more = setInterval(() => outgoing.write(Buffer.alloc(64 * 1024)), 5)
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(400)
    expect(await text(response)).toContain('"/to"')
  } finally {
    clearInterval(more)
    outgoing.on('error', () => undefined).destroy()
  }
})

test('answers go to an address of the application only', async () => {
  const answer = await house.client.post({ ...envelope(), text: 'x', replyTo: 'someone@elsewhere.example' })
  expect(answer).toMatchObject({ status: 403, body: { code: 'sender_not_allowed' } })
})

test('a message whose time is over is not taken', async () => {
  const answer = await house.client.post({ ...envelope(), text: 'x', expiresAt: '2001-01-01T00:00:00Z' })
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'invalid_message', errors: [{ pointer: '/expiresAt', code: 'past' }] },
  })
})

test.each([
  'multipart/form-data',
  'multipart/form-data; boundary=',
  `multipart/form-data; boundary=${'x'.repeat(71)}`,
  'multipart/form-data; boundary="x "',
  'multipart/form-data; boundary=x; boundary=y',
  'multipart/mixed; boundary=x',
  'text/plain',
])('a body of another type is refused: %s', async type => {
  expect(await post([messagePart(envelope())], { boundary: 'x', type })).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type' },
  })
})
