import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canariesIn } from '../support/canary.ts'
import { type RawAnswer, send } from '../support/request.ts'
import { type Ground, openGround, type Serving } from '../support/serve.ts'
import { malformedHttp, malformedRequests } from './malformed/http.ts'
import { type Malformed, malformedJson } from './malformed/json.ts'
import { malformedMultipart } from './malformed/multipart.ts'

let ground: Ground
let gateway: Serving
let agent: Agent
beforeAll(async () => {
  ground = await openGround()
  gateway = await ground.serve({ roles: 'api', settings: { SEALPOST_LOG_LEVEL: 'debug' } })
  const { certificate: cert, key } = ground.client
  agent = new Agent({ ca: ground.authority.certificate, cert, key, keepAlive: true, maxSockets: lanes })
})
afterAll(async () => {
  agent.destroy()
  await ground.close()
})

const lanes = 16
const corpus = [...malformedJson, ...malformedMultipart, ...malformedRequests]
const json = { 'content-type': 'application/json' }

const ask = ({ method = 'POST', path = '/v1/messages', headers = json, body }: Malformed) =>
  send(
    { port: gateway.apiPort, authority: ground.authority },
    { method, path, headers: { ...headers }, agent },
    body,
  )

/** What is wrong with the answer; empty when nothing is. */
function flaws({ path = '', headers = {}, body = '' }: Malformed, answer: RawAnswer): string[] {
  const found: string[] = []
  if (answer.status < 400 || answer.status > 499) found.push(`status ${answer.status}`)
  const own = ['date', 'ratelimit', 'ratelimit-policy']
  const rest = Object.entries(answer.headers).filter(([name]) => !own.includes(name))
  const { instance, ...problem } = JSON.parse(answer.text || '{}') as Record<string, unknown>
  if (typeof instance !== 'string' || typeof problem['code'] !== 'string') found.push('no problem')
  const said = JSON.stringify([rest, problem])
  const asked = `${path} ${JSON.stringify(headers)} ${body.toString('latin1')}`
  for (const [digits] of asked.matchAll(/\d{6,}/g)) {
    // Part of a long run would be an echo, too.
    if (said.includes(digits.slice(0, 12))) found.push(`echo of ${digits.length} digits`)
  }
  return [...found, ...canariesIn(Buffer.from(answer.text))]
}

/** Runs `task` for each, so many at a time. */
async function forEach<Item>(items: readonly Item[], task: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const item of left) await task(item)
    }),
  )
}

/** Resident memory of the gateway and its sealer, in MiB. */
const resident = (): number =>
  [gateway.pid, ...gateway.sealers()].reduce((sum, pid) => {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return sum + Number(kilobytes ?? 0) / 1024
  }, 0)

const all: string[] = []
const refused = async (malformed: Malformed): Promise<void> => {
  const answer = await ask(malformed).catch((error: unknown) => String(error))
  const wrong = typeof answer === 'string' ? [answer] : flaws(malformed, answer)
  if (wrong.length > 0) all.push(`${malformed.name}: ${wrong.join(', ')}`)
}

test('more than a thousand malformed requests: a 4xx each, nothing echoed, no sealer lost, memory flat', async () => {
  expect(corpus.length + malformedHttp.length).toBeGreaterThan(1_000)
  const sealers = gateway.sealers()
  // Once with a part of them, so that what memory there is to take has been taken.
  await forEach(
    corpus.filter((_, i) => i % 4 === 0),
    refused,
  )
  const before = resident()
  await forEach(corpus, refused)
  expect(all).toEqual([])
  expect(resident() - before).toBeLessThan(96)
  expect(gateway.sealers()).toEqual(sealers)
})

test('what is not HTTP gets a 4xx or the end of the connection, and no digit of it comes back', async () => {
  const found: string[] = []
  await forEach(malformedHttp, async ([name, bytes]) => {
    const answer = await raw(bytes)
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? []
    if (answer !== '' && !status?.startsWith('4')) found.push(`${name}: ${answer.slice(0, 200)}`)
    if (/\d{12}/.test(answer.replace(/"instance":"[^"]*"/g, ''))) found.push(`${name}: echo`)
  })
  expect(found).toEqual([])
})

test('afterwards the gateway answers, and a card number is nowhere: not in its log, not in the database', async () => {
  expect((await ask({ name: 'empty', body: '{}' })).status).toBe(400)
  expect(gateway.output()).toContain('request-refused')
  expect(canariesIn(Buffer.from(gateway.output()))).toEqual([])
  const tables = await ground.owner('pg_tables').where({ schemaname: 'public' }).pluck<string[]>('tablename')
  expect(tables).toContain('audit_events')
  for (const table of tables) {
    const { rows } = await ground.owner.raw<{ rows: { row: string }[] }>(`SELECT t::text AS row FROM ?? t`, [
      table,
    ])
    expect(canariesIn(Buffer.from(rows.map(({ row }) => row).join('\n')))).toEqual([])
  }
})

/** What the gateway says to bytes over TLS, until it closes or has said something and nothing more. */
function raw(bytes: string): Promise<string> {
  return new Promise(resolve => {
    let answer = ''
    const { certificate: cert, key } = ground.client
    const ca = ground.authority.certificate
    const socket = connect({ host: 'localhost', port: gateway.apiPort, ca, cert, key }, () => {
      socket.write(bytes, 'latin1')
      // Whoever waits for more gets none.
      setTimeout(() => socket.end(), 1_000)
    })
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk
    })
    socket.on('error', () => undefined).on('close', () => resolve(answer))
  })
}
