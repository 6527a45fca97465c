import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import busboy from '@fastify/busboy'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createSealpostClient, SealpostApiError, type SealpostClient } from '../../src/client/index.ts'
import { failure, hangUp, json, openPlayed, type Play, type Played, problem, type Seen } from './support.ts'

let played: Played
let client: SealpostClient
beforeAll(async () => {
  played = await openPlayed()
  client = createSealpostClient(played.options)
})
afterEach(() => void played.seen.splice(0))
afterAll(async () => {
  client.close()
  await played[Symbol.asyncDispose]()
})

const pan = '4111111111111111'
const message = {
  from: 'settlement@payments.example',
  to: ['disputes@acquirer.example'],
  subject: 'Refund',
  text: `Card ${pan}`,
}
const answer = { id: 'msg_1', deliveries: [{ id: 'dlv_1', recipient: 'disputes@acquirer.example' }] }
const accepted = json(202, answer)
const keys = (): unknown[] => played.seen.map(({ headers }) => headers['idempotency-key'])

describe('a message', () => {
  test('is posted as JSON under a key of its own, by the application’s certificate', async () => {
    played.play(accepted)
    const expiresAt = new Date('2026-12-01T00:00:00Z')
    expect(await client.send({ ...message, expiresAt })).toEqual(answer)
    const [{ method, target, headers, body } = {} as Seen] = played.seen
    expect([method, target, headers['content-type']]).toEqual(['POST', '/v1/messages', 'application/json'])
    expect(headers['idempotency-key']).toMatch(/^"[0-9a-f-]{36}"$/)
    expect(headers['content-length']).toBe(String(body.length))
    expect(JSON.parse(body.toString())).toEqual({ ...message, expiresAt: '2026-12-01T00:00:00.000Z' })
  })

  test('two messages have two keys; the caller’s own is taken', async () => {
    played.play(accepted)
    await client.send(message)
    await client.send(message)
    await client.send(message, { idempotencyKey: 'order-1147' })
    expect(new Set(keys()).size).toBe(3)
    expect(keys()[2]).toBe('"order-1147"')
  })

  test('with octets, a file or a stream, is multipart/form-data, in the order given', async () => {
    played.play(accepted)
    const file = (filename: string, content: string | Uint8Array | Blob | Readable) => ({
      filename,
      contentType: 'text/csv',
      content,
    })
    const large = Buffer.alloc(3_000_000, 'x')
    const known = [file('a "b" \\ ü.csv', large), file('b', new Blob(['blob'])), file('c', 'Y2FyZA==')]
    await client.send({ ...message, attachments: known })
    await client.send({
      ...message,
      attachments: [file('d', Readable.from([Buffer.from('one'), Buffer.from('two')]))],
    })
    const [first, second] = played.seen
    expect(first!.headers['content-length']).toBe(String(first!.body.length))
    expect(second!.headers['transfer-encoding']).toBe('chunked')
    const parts = await partsOf(first!)
    expect(parts[0]).toMatchObject({ name: 'message', type: 'application/json' })
    expect(JSON.parse(parts[0]!.content.toString())).toEqual(message)
    expect(
      parts.slice(1).map(({ name, filename, type, content }) => [name, filename, type, content.length]),
    ).toEqual([
      ['attachment', 'a "b" \\ ü.csv', 'text/csv', large.length],
      ['attachment', 'b', 'text/csv', 4],
      ['attachment', 'c', 'text/csv', 4],
    ])
    expect((await partsOf(second!))[1]?.content.toString()).toBe('onetwo')
  })

  test.each([
    ['filename', { filename: 'a\r\nb', contentType: 'text/csv', content: Buffer.alloc(1) }],
    ['contentType', { filename: 'a', contentType: 'text/csv\r\nX: y', content: Buffer.alloc(1) }],
  ])('with a control character in an attachment’s %s never leaves', async (field, attachment) => {
    const error = await failure(client.send({ ...message, attachments: [attachment] }))
    expect(error).toMatchObject({
      code: 'invalid_attachment',
      errors: [{ pointer: `/attachments/0/${field}`, code: 'invalid_attachment' }],
    })
    expect(played.seen).toEqual([])
  })

  test('with content that is not base64, beside a file, never leaves', async () => {
    const bad = { filename: 'a', contentType: 'text/csv', content: `${pan}!` }
    const file = { ...bad, content: new Blob([]) }
    const error = await failure(client.send({ ...message, attachments: [file, bad] }))
    expect(error).toMatchObject({ errors: [{ pointer: '/attachments/1/content' }] })
    expect(played.seen).toEqual([])
  })
})

describe('trying again', () => {
  test.each([
    ['the connection is lost', hangUp],
    ['the gateway is at capacity', problem(503, 'overloaded', true, { 'retry-after': '0' })],
    ['the application is too fast', problem(429, 'too_many_requests', true, { 'retry-after': '0' })],
    ['the first one is still being worked on', problem(409, 'idempotency_in_flight', true)],
    ['a proxy does not reach it', ((_seen, response) => response.writeHead(502).end()) satisfies Play],
  ])('when %s: the same octets under the same key', async (_, failing) => {
    played.play(failing, failing, accepted)
    expect(
      await client.send({
        ...message,
        attachments: [{ filename: 'a', contentType: 'text/csv', content: new Blob(['x']) }],
      }),
    ).toEqual(answer)
    expect(played.seen).toHaveLength(3)
    expect(new Set(keys()).size).toBe(1)
    expect(new Set(played.seen.map(({ body }) => body.toString())).size).toBe(1)
  })

  test('waits as long as Retry-After says', async () => {
    played.play(problem(503, 'sealed', true, { 'retry-after': '1' }), accepted)
    const began = performance.now()
    await client.send(message)
    expect(performance.now() - began).toBeGreaterThan(990)
  })

  test.each([
    ['it is refused', problem(422, 'recipients_refused', false)],
    ['something failed inside', problem(500, 'internal_error', false)],
    ['it would be a long wait', problem(503, 'sealed', true, { 'retry-after': '61' })],
  ])('not when %s', async (_, refusing) => {
    played.play(refusing)
    await failure(client.send(message))
    expect(played.seen).toHaveLength(1)
  })

  test('ends after three; the error has the key for whoever wants to go on', async () => {
    played.play(hangUp)
    const error = await failure(client.send(message))
    expect(played.seen).toHaveLength(4)
    expect(error).toMatchObject({ code: 'connection_failed', retryable: true, status: undefined })
    expect(keys()[0]).toBe(`"${String(error.idempotencyKey)}"`)
  })

  test('not when a stream was begun: what it gave is gone', async () => {
    played.play(hangUp)
    const content = Readable.from([Buffer.from('x')])
    await failure(
      client.send({ ...message, attachments: [{ filename: 'a', contentType: 'text/csv', content }] }),
    )
    expect(played.seen).toHaveLength(1)
  })
})

describe('a failure', () => {
  test('tells what the gateway said, and nothing of the message', async () => {
    played.play(
      json(422, {
        title: 'No.',
        detail: 'See.',
        code: 'recipients_refused',
        retryable: false,
        documentation: '/docs/errors#recipients_refused',
        recipients: [{ address: 'disputes@acquirer.example', code: 'recipient_unknown' }],
      }),
    )
    const error = await failure(client.send(message))
    expect(error).toBeInstanceOf(SealpostApiError)
    expect(error).toMatchObject({
      message: 'No. See. (recipients_refused)',
      code: 'recipients_refused',
      status: 422,
      documentation: '/docs/errors#recipients_refused',
      recipients: [{ code: 'recipient_unknown' }],
    })
  })

  test.each([
    ['a lost connection', hangUp],
    [
      'a page of somebody else that repeats the message',
      ((seen, response) => response.writeHead(400).end(seen.body)) satisfies Play,
    ],
    [
      'an answer that is no JSON',
      ((seen, response) => response.writeHead(202).end(`<p>${seen.body.toString()}`)) satisfies Play,
    ],
  ])('of %s holds nothing of the message', async (_, failing) => {
    played.play(failing)
    const error = await failure(client.send(message))
    const all = inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error)
    expect(all).not.toContain(pan)
    expect(all).not.toContain('Refund')
  })

  test('of a stream is told as it is', async () => {
    played.play(accepted)
    const content = Readable.from(
      Array.from({ length: 2 }, (_, index) => Buffer.from(`${index}`))
        .values()
        .map(octets => {
          if (octets.toString() === '1') throw new RangeError('disk')
          return octets
        }),
    )
    const attachments = [{ filename: 'a', contentType: 'text/csv', content }]
    await expect(client.send({ ...message, attachments })).rejects.toThrow(new RangeError('disk'))
  })

  test('is given up when the caller says so', async () => {
    played.play(() => undefined)
    const reason = new Error('enough')
    const giveUp = new AbortController()
    const sent = client.send(message, { signal: giveUp.signal })
    await expect.poll(() => played.seen.length).toBe(1)
    giveUp.abort(reason)
    await expect(sent).rejects.toBe(reason)
  })

  test('is silence for too long', async () => {
    played.play(() => undefined)
    const hasty = createSealpostClient({ ...played.options, timeout: 100, retries: 0 })
    expect(await failure(hasty.send(message))).toMatchObject({ code: 'timeout', retryable: true })
    hasty.close()
  })
})

interface Part {
  readonly name: string
  readonly filename: string | undefined
  readonly type: string
  readonly content: Buffer
}

function partsOf({ headers, body }: Seen): Promise<Part[]> {
  return new Promise((resolve, reject) => {
    const parts: Part[] = []
    const reader = new busboy.Busboy({
      headers: { ...headers, 'content-type': headers['content-type']! },
      isPartAFile: () => true,
      preservePath: true,
    })
    reader.on('file', (name, stream, filename, _encoding, type) => {
      const pieces: Buffer[] = []
      stream.on('data', (piece: Buffer) => pieces.push(piece))
      stream.on('end', () => parts.push({ name, filename, type, content: Buffer.concat(pieces) }))
    })
    reader.on('finish', () => resolve(parts))
    reader.on('error', reject)
    reader.end(body)
  })
}
