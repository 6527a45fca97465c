import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Identity, issueClientCertificate } from '../../src/platform/pki/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send, sendRaw } from '../support/request.ts'

let house: House
let client: Identity
beforeAll(async () => {
  house = await openHouse({ roles: ['api'] })
  client = await issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })
})
afterAll(() => house.close())

const canary = '4111111111111111'
const json = { 'content-type': 'application/json' }
const post = (body: string | Buffer | Iterable<string>, headers: Record<string, string> = json) =>
  send(
    house,
    { method: 'POST', path: '/v1/messages', headers, cert: client.certificate, key: client.key },
    body,
  )

function expectProblem(answer: Awaited<ReturnType<typeof post>>, status: number, code: string): void {
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(JSON.parse(answer.text)).toMatchObject({ status, code })
  expect(answer.status).toBe(status)
  expect(answer.text).not.toContain(canary)
}

describe('a request of the wrong form gets its code and no echo', () => {
  test.each([
    ['empty', '', 'invalid_json'],
    ['no JSON', `card ${canary}`, 'invalid_json'],
    ['truncated', `{"text":"${canary}`, 'invalid_json'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'invalid_json'],
    ['duplicate keys', `{"from":"a@b.example","from":"${canary}@b.example"}`, 'invalid_json'],
    ['an array', `["${canary}"]`, 'invalid_message'],
    ['an unknown field', `{"${canary}":1}`, 'invalid_message'],
    ['prototype', `{"__proto__":{"from":"${canary}"}}`, 'invalid_message'],
    ['a number for a PAN', `{"text":${canary}}`, 'invalid_message'],
    ['a deep one', '['.repeat(100_000), 'invalid_json'],
    [
      'header injection in the subject',
      JSON.stringify({
        from: 'settlement@payments.example',
        to: ['a@b.example'],
        subject: `x\r\nBcc: ${canary}@x.example`,
        text: 'x',
      }),
      'header_injection',
    ],
  ])('%s', async (_name, body, code) => {
    expectProblem(await post(body), 400, code)
  })

  test('another content type', async () => {
    expectProblem(await post(canary, { 'content-type': 'text/plain' }), 415, 'unsupported_media_type')
  })

  test('a compressed body', async () => {
    expectProblem(
      await post(canary, { ...json, 'content-encoding': 'gzip' }),
      415,
      'content_encoding_refused',
    )
  })

  test('a body announced as too large', async () => {
    expectProblem(await post(Buffer.alloc(38 * 1024 * 1024, 0x34)), 413, 'body_too_large')
  })

  test('a body that grows too large unannounced', async () => {
    const chunks = Array.from({ length: 38 }, () => canary.repeat(65_536))
    expectProblem(await post(chunks, { ...json, 'transfer-encoding': 'chunked' }), 413, 'body_too_large')
  })

  test('another method names the allowed ones', async () => {
    const answer = await send(house, {
      method: 'DELETE',
      path: '/v1/messages',
      cert: client.certificate,
      key: client.key,
    })
    expectProblem(answer, 405, 'method_not_allowed')
    expect(answer.headers['allow']).toBe('GET, HEAD, POST')
  })

  test('a PAN in the path is refused, and not echoed', async () => {
    expectProblem(
      await send(house, { path: `/v1/${canary}?card=${canary}`, cert: client.certificate, key: client.key }),
      422,
      'pan_not_allowed_here',
    )
  })
})

describe('broken HTTP is refused and the gateway lives', () => {
  const head = 'POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  test.each([
    [
      'content-length beside chunked',
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two content-lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ['a bare LF', head.replaceAll('\r\n', '\n')],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['headers without end', `${head}X: ${'a'.repeat(20_000)}\r\n\r\n`],
  ])('%s', async (_name, bytes) => {
    const answer = await sendRaw(house, { cert: client.certificate, key: client.key }, bytes)
    expect(answer).toMatch(/^(?:|HTTP\/1\.1 4\d\d [^]*)$/)
    expect((await post('{}')).status).toBe(400)
  })
})

test('every refusal is audited under the application, and the log and the audit events hold no canary', async () => {
  const rows = await house.owner('audit_events').where({ type: 'request.refused' }).pluck<string[]>('body')
  expect(rows.length).toBeGreaterThan(15)
  expect(rows.join('')).not.toContain(canary)
  expect(house.log()).toContain('request-refused')
  expect(house.log()).not.toContain(canary)
})
