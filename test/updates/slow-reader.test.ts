import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Response } from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStreams, type Stream } from '../../src/http/api/stream.ts'
import { type ApplicationId, SealpostError } from '../../src/kernel/index.ts'
import { eventually } from '../support/locks.ts'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
let server: Server
let opened: { stream: Stream; response: Response }[] = []
let standing: () => Promise<unknown> = () => Promise.resolve()

beforeAll(async () => {
  const streams = openStreams({ log, stopping: new AbortController().signal, beat: 50 })
  const app = express().get('/', (_request, response) => {
    const stream = streams.open('app_a' as ApplicationId, response, () => standing())
    opened.push({ stream, response })
  })
  server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

async function connect(): Promise<{ answer: IncomingMessage; stream: Stream; response: Response }> {
  opened = []
  const answer = await new Promise<IncomingMessage>(resolve => {
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }, resolve)
  })
  answer.on('error', () => undefined)
  const [first] = opened
  if (first === undefined) throw new Error('nothing was opened')
  return { answer, ...first }
}

test('who takes nothing is cut; until then nothing more is kept for it than it was sent', async () => {
  const { answer, stream, response } = await connect()
  let closed = false
  stream.onClose(() => {
    closed = true
  })
  answer.pause()
  let sent = 0
  while (stream.ready()) {
    stream.send('x'.repeat(64 * 1024))
    sent++
    await new Promise(resolve => setImmediate(resolve))
    if (sent > 2_000) throw new Error('it never says that it is full')
  }
  const held = response.writableLength
  await eventually('it is cut', () => closed)
  expect(held).toBeLessThan(256 * 1024)
  answer.resume()
  await eventually('the client sees it', () => answer.destroyed)
  expect(answer.complete).toBe(false)
})

test('who takes what it is sent gets signs of life, and stays', async () => {
  const { answer, stream } = await connect()
  let text = ''
  answer.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  await eventually('some beats', () => (text.match(/^:$/gm) ?? []).length > 4)
  expect(stream.ready()).toBe(true)
  answer.destroy()
})

test('who may hear nothing any more is heard no more; a database that is away ends nothing', async () => {
  const { answer } = await connect()
  let beats = 0
  answer.on('data', () => {
    beats++
  })
  standing = () => Promise.reject(new SealpostError('database_unavailable'))
  await eventually('some beats', () => beats > 3)
  standing = () => Promise.reject(new SealpostError('application_unknown'))
  await once(answer, 'end')
  standing = () => Promise.resolve()
})
