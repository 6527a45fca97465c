import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createSealpostClient, type SealpostClient } from '../../src/client/index.ts'
import { failure, hangUp, json, openPlayed, type Play, type Played, problem } from './support.ts'

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

const event = (id: string, state = 'queued') =>
  `id: ${id}\nevent: delivery.deferred\ndata: {"type":"delivery.deferred",\ndata: "data":{"state":"${state}","reference":"ü"}}\n\n`

/** The pieces one by one; then the connection is cut, or the answer ends. */
const stream =
  (pieces: readonly (string | Buffer)[], end: 'cut' | 'end' | 'open' = 'end'): Play =>
  async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) await new Promise(resolve => response.write(piece, resolve))
    if (end === 'cut') response.destroy()
    if (end === 'end') response.end()
  }

async function take(
  count: number,
  options: Parameters<SealpostClient['updates']>[0] = {},
): Promise<string[]> {
  const ids: string[] = []
  for await (const { id, type, data } of client.updates(options)) {
    expect([type, data.reference]).toEqual(['delivery.deferred', 'ü'])
    ids.push(id)
    if (ids.length === count) break
  }
  return ids
}

test('updates are read however they are cut into pieces', async () => {
  const octets = Buffer.from(
    `retry: 2000\n\n:\n\n${event('a-a')}:\n\n${event('a-b').replaceAll('\n', '\r\n')}`,
  )
  played.play(
    stream(
      [...octets].map(octet => Buffer.of(octet)),
      'open',
    ),
  )
  expect(await take(2)).toEqual(['a-a', 'a-b'])
  expect(played.seen[0]).toMatchObject({ target: '/v1/updates', headers: { accept: 'text/event-stream' } })
  expect(played.seen[0]?.headers['last-event-id']).toBeUndefined()
})

test('a lost connection goes on where it was, as does one that ended; nothing twice, half an event never', async () => {
  const half = event('a-c').slice(0, -1)
  played.play(
    stream([event('a-a'), event('a-b'), half], 'cut'),
    problem(503, 'stopping', true),
    hangUp,
    stream([event('a-c')]),
    stream([event('a-d')], 'open'),
  )
  expect(await take(4, { after: 'a-z' })).toEqual(['a-a', 'a-b', 'a-c', 'a-d'])
  expect(played.seen.map(({ headers }) => headers['last-event-id'])).toEqual([
    'a-z',
    'a-b',
    'a-b',
    'a-b',
    'a-c',
  ])
})

test('a gap is told: after a reset, and when the connection was lost before there was a place to go on from', async () => {
  let gaps = 0
  const onGap = () => {
    gaps += 1
  }
  played.play(stream(['event: reset\ndata: {}\n\n', event('a-a')], 'open'))
  expect(await take(1, { after: 'a-z', onGap })).toEqual(['a-a'])
  expect(gaps).toBe(1)
  played.play(stream([':\n\n'], 'cut'), stream([event('a-b')], 'open'))
  expect(await take(1, { onGap })).toEqual(['a-b'])
  expect(gaps).toBe(2)
})

test('a refusal ends it', async () => {
  played.play(stream([event('a-a')]), problem(403, 'application_unknown', false))
  expect(await failure(take(2))).toMatchObject({ code: 'application_unknown', status: 403 })
})

test('who waits can stop waiting', async () => {
  played.play(stream([':\n\n'], 'open'))
  const stop = new AbortController()
  const reason = new Error('enough')
  const waiting = take(1, { signal: stop.signal })
  await expect.poll(() => played.seen.length).toBe(1)
  stop.abort(reason)
  await expect(waiting).rejects.toBe(reason)
})

test('settled resolves with the status once the last delivery is settled', async () => {
  played.play(
    json(200, { state: 'queued' }),
    stream([event('a-a'), event('a-b')], 'cut'),
    stream([event('a-c', 'delivered')], 'open'),
    json(200, { state: 'delivered' }),
  )
  expect(await client.settled('msg_1')).toEqual({ state: 'delivered' })
  const path = '/v1/messages/msg_1'
  expect(played.seen.map(({ target }) => target)).toEqual([path, `${path}/updates`, `${path}/updates`, path])
})
