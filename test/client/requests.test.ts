import { expect, test } from 'vitest'
import { createSealpostClient } from '../../src/client/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { failure, hangUp, json, openPlayed, problem } from './support.ts'

const message = { from: 'a@payments.example', to: ['b@acquirer.example'], subject: 'Refund', text: 'Hello' }
const file = (content: Blob) => ({ filename: 'a', contentType: 'text/csv', content })

test('a list is read page by page, as far as it is asked for', async () => {
  await using played = await openPlayed()
  const client = createSealpostClient(played.options)
  const pages = [
    json(200, { messages: [{ id: 'msg_3' }, { id: 'msg_2' }], next: 'c 1' }),
    json(200, { messages: [], next: 'c2' }),
    json(200, { messages: [{ id: 'msg_1' }] }),
  ] as const
  played.play(...pages)
  const since = new Date('2026-11-01T00:00:00Z')
  const ids: string[] = []
  for await (const { id } of client.list({ state: 'failed', since, limit: 2 })) ids.push(id)
  expect(ids).toEqual(['msg_3', 'msg_2', 'msg_1'])
  const query = 'state=failed&since=2026-11-01T00%3A00%3A00.000Z&limit=2'
  expect(played.seen.map(({ target }) => target)).toEqual([
    `/v1/messages?${query}`,
    `/v1/messages?${query}&cursor=c+1`,
    `/v1/messages?${query}&cursor=c2`,
  ])
  played.play(...pages)
  await client.list().next()
  expect(played.seen).toHaveLength(4)
  client.close()
})

test('reading, checking and cancelling are tried again', async () => {
  await using played = await openPlayed()
  const client = createSealpostClient(played.options)
  const busy = problem(503, 'database_unavailable', true, { 'retry-after': '0' })
  const calls: [string, () => Promise<unknown>][] = [
    ['GET /v1/messages/msg_1', () => client.get('msg_1')],
    ['GET /v1/messages/msg_1/evidence', () => client.evidence('msg_1')],
    ['POST /v1/messages/check', () => client.check(message)],
    ['POST /v1/messages/msg_1/cancel', () => client.cancel('msg_1')],
  ]
  for (const [asked, call] of calls) {
    played.play(busy, hangUp, json(200, {}))
    await call()
    expect(played.seen.splice(0).map(({ method, target }) => `${method} ${target}`)).toEqual(
      Array(3).fill(asked),
    )
  }
  client.close()
})

test('what is not the id of a message does not become part of a path', async () => {
  await using played = await openPlayed()
  const client = createSealpostClient(played.options)
  for (const id of ['4111111111111111', 'msg_1/../..', '', 'msg_1?a']) {
    await expect(client.get(id)).rejects.toThrow(TypeError)
    expect(() => client.updates({ message: id })).toThrow(TypeError)
  }
  expect(played.seen).toEqual([])
})

test('a refusal while the body is still on its way is what is told, and the rest is not sent', async () => {
  await using played = await openPlayed({}, true)
  const client = createSealpostClient({ ...played.options, retries: 0 })
  const { promise: received, resolve } = Promise.withResolvers<number>()
  played.play((seen, response, request) => {
    problem(413, 'body_too_large', false)(seen, response, request)
    request.socket.once('close', () => resolve(request.socket.bytesRead))
  })
  const attachments = [file(new Blob([Buffer.alloc(20_000_000)]))]
  expect(await failure(client.send({ ...message, attachments }))).toMatchObject({ code: 'body_too_large' })
  expect(await received).toBeLessThan(20_000_000)
  client.close()
})

test('a server that another CA vouches for, or that has another name, hears nothing', async () => {
  const foreign = await createAuthority({ commonName: 'other CA', days: 1 })
  const { certificate: cert, key } = await issueServerCertificate(foreign, {
    dnsNames: ['localhost'],
    days: 1,
  })
  await using impostor = await openPlayed({ cert, key })
  impostor.play(json(202, {}))
  const client = createSealpostClient(impostor.options)
  const error = await failure(client.send(message))
  expect(error).toMatchObject({ code: 'connection_failed', retryable: false })
  expect(impostor.seen).toEqual([])
  client.close()
  await using honest = await openPlayed()
  honest.play(json(202, {}))
  const { port } = new URL(honest.options.baseUrl)
  const byAddress = createSealpostClient({ ...honest.options, baseUrl: `https://127.0.0.1:${port}` })
  expect(await failure(byAddress.send(message))).toMatchObject({
    code: 'connection_failed',
    retryable: false,
  })
  expect(honest.seen).toEqual([])
  byAddress.close()
})

test('nothing goes over a connection that is not TLS, or an old one', async () => {
  await using played = await openPlayed({
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  expect(() => createSealpostClient({ ...played.options, baseUrl: 'http://localhost' })).toThrow(TypeError)
  const client = createSealpostClient(played.options)
  expect(await failure(client.send(message))).toMatchObject({ code: 'connection_failed', retryable: false })
  client.close()
})

test('a redirect is not followed', async () => {
  await using elsewhere = await openPlayed()
  await using played = await openPlayed()
  elsewhere.play(json(202, {}))
  played.play((_seen, response) =>
    response.writeHead(307, { location: String(elsewhere.options.baseUrl) }).end(),
  )
  const client = createSealpostClient(played.options)
  expect(await failure(client.send(message))).toMatchObject({ code: 'unexpected_answer', status: 307 })
  expect(elsewhere.seen).toEqual([])
  client.close()
})
