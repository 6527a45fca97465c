import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { ClientRequest } from 'node:http'
import { request } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Correspondent } from '../../src/demo/index.ts'
import { readMail } from '../../src/demo/index.ts'
import { cardDataOf, migrate, openDatabase, startEmbeddedPostgres } from '../../src/platform/index.ts'
import {
  canariesIn,
  canaryPan,
  canaryWords,
  encodingsOf,
  filesOpenForWriting,
  searchFiles,
} from '../support/canary.ts'
import { eventually } from '../support/locks.ts'
import { type RawAnswer, send, sendRaw } from '../support/request.ts'
import { type Ground, openGround, type Serving, sender } from '../support/serve.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'

// Everything that is written in this test lies below: PostgreSQL, what the gateway may use as TMPDIR and as its home.
const directory = mkdtempSync(join(tmpdir(), 'sealpost-canary-'))
const temporary = join(directory, 'tmp')
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>
let ground: Ground
let sink: Sink
let gateway: Serving
let friend: Correspondent
const answers: RawAnswer[] = []

beforeAll(async () => {
  // PostgreSQL runs as another user when we are root.
  chmodSync(directory, 0o711)
  mkdirSync(temporary)
  postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres') })
  await migrate(postgres.config('owner'))
  await logEverything()
  ground = await openGround({
    owner: postgres.config('owner'),
    gateway: postgres.config('gateway'),
    superuser: postgres.config('superuser'),
    drop: () => Promise.resolve(),
  })
  sink = await startSink(ground.mailIdentity, {
    onRcptTo({ address }, _session, done) {
      // A server that knows the card and says so.
      const spoken = Object.assign(new Error(`card ${canaryPan}, 4012 8888 8888 1881 refused`), {
        responseCode: address === 'enemy@bank.test' ? 550 : 451,
      })
      done(address === friend.address ? null : spoken)
    },
  })
  friend = await ground.addRecipient('friend@bank.test', sink.port)
  await ground.addRecipient('enemy@bank.test', sink.port)
  await ground.addRecipient('later@bank.test', sink.port)
  gateway = await ground.serve({
    settings: { TMPDIR: temporary, HOME: directory, SEALPOST_LOG_LEVEL: 'debug' },
    cwd: directory,
  })
})
afterAll(async () => {
  await ground.close()
  await sink.stop()
  await postgres.stop()
  rmSync(directory, { recursive: true, force: true })
})

const every = [canaryPan, canaryWords].flatMap(secret => Object.values(encodingsOf(secret)).flat())
const message = (to: string) => ({
  from: sender,
  to: [to],
  subject: canaryWords,
  text: every.map(form => form.toString('latin1').replaceAll('\0', ' ')).join('\n'),
  html: `<p>${canaryPan} ${canaryWords}</p>`,
  attachments: [
    {
      filename: `${canaryWords}.bin`,
      contentType: 'application/octet-stream',
      content: Buffer.concat(every).toString('base64'),
    },
  ],
})
const json = { 'content-type': 'application/json' }
const begin = (path = '/v1/messages', headers: Record<string, string> = json): ClientRequest => {
  const { certificate: cert, key } = ground.client
  const options = { host: 'localhost', port: gateway.apiPort, ca: ground.authority.certificate, cert, key }
  return request({ ...options, method: 'POST', path, headers, agent: false }).on('error', () => undefined)
}
const post = async (
  body: string,
  headers = json,
  path = '/v1/messages',
  method = 'POST',
): Promise<RawAnswer> => {
  const { certificate: cert, key } = ground.client
  const where = { port: gateway.apiPort, authority: ground.authority }
  const answer = await send(where, { method, path, headers, cert, key }, body)
  answers.push(answer)
  return answer
}

describe('the search can fail', () => {
  test.each(Object.entries({ ...encodingsOf(canaryPan), words: encodingsOf(canaryWords)['base64'] ?? [] }))(
    'a canary in a file is found: %s',
    (_name, forms) => {
      const planted = mkdtempSync(join(tmpdir(), 'sealpost-planted-'))
      for (const form of forms) {
        for (let shift = 0; shift < 3; shift++) {
          writeFileSync(
            join(planted, 'file'),
            Buffer.concat([Buffer.alloc(4096 + shift, 'x'), form, Buffer.from('yz')]),
          )
          expect(searchFiles(planted).found).not.toEqual([])
        }
      }
      rmSync(planted, { recursive: true })
    },
  )

  test.each([0, 1, 2])('base64 of a text is found wherever the canary stands in it: %i', shift => {
    expect(
      canariesIn(Buffer.from(Buffer.from(`${'-'.repeat(shift)}${canaryPan}.`).toString('base64'))),
    ).not.toEqual([])
  })

  test('PostgreSQL logs statements and their values', async () => {
    await ground.owner.raw('SELECT ?::text', ['a value in the log'])
    expect(readFileSync(join(postgres.directory, 'postgres.log'), 'utf8')).toContain('a value in the log')
  })
})

describe('each way that a message can go', () => {
  test('success', async () => {
    expect((await post(JSON.stringify(message(friend.address)))).status).toBe(202)
    await eventually('the mail', () => sink.mails.length === 1)
    expect(await readMail(friend, ground.signer, sink.mails[0]?.bytes ?? Buffer.of())).toContain(canaryWords)
  })

  test.each([
    ['not JSON', `card ${canaryPan} ${canaryWords}`, 400],
    ['malformed JSON', JSON.stringify(message('a@b.test')).slice(0, -3), 400],
    ['a number for a PAN', `{"text":${canaryPan}}`, 400],
    ['an unknown field', JSON.stringify({ ...message('a@b.test'), [canaryPan]: canaryWords }), 400],
    ['a wrong type', JSON.stringify({ ...message('a@b.test'), subject: [canaryPan, canaryWords] }), 400],
    ['a duplicate key', `{"${canaryPan}":1,"${canaryPan}":2}`, 400],
    [
      'a header injection',
      JSON.stringify({ ...message('a@b.test'), subject: `${canaryPan}\r\n${canaryWords}` }),
      400,
    ],
    ['a sender that is a card', JSON.stringify({ ...message('a@b.test'), from: canaryPan }), 400],
    ['an unknown recipient', JSON.stringify(message('stranger@bank.test')), 422],
    ['another sender', JSON.stringify({ ...message('friend@bank.test'), from: 'ceo@payments.example' }), 403],
    ['a card as subject', JSON.stringify({ ...message('friend@bank.test'), subject: canaryPan }), 422],
    [
      'a code beside a card',
      JSON.stringify({ ...message('friend@bank.test'), text: `${canaryPan} CVV 123` }),
      422,
    ],
    ['a card as reference', JSON.stringify({ ...message('friend@bank.test'), reference: canaryPan }), 422],
    [
      'a card within a reference',
      JSON.stringify({ ...message('friend@bank.test'), reference: `pay-${canaryPan}` }),
      422,
    ],
  ])('%s', async (_name, body, status) => {
    expect((await post(body)).status).toBe(status)
  })

  test('another content type, a compressed body, and a card in path, query and headers', async () => {
    const body = JSON.stringify(message(friend.address))
    expect((await post(body, { 'content-type': `text/${canaryPan}` })).status).toBe(422)
    expect((await post(body, { ...json, 'content-encoding': canaryPan } as never)).status).toBe(422)
    expect((await post(body, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(body, { ...json, 'content-encoding': 'br' } as never)).status).toBe(415)
    const named = {
      ...json,
      'idempotency-key': canaryPan,
      'user-agent': canaryWords,
      [canaryWords]: canaryPan,
    } as never
    expect((await post('{', named)).status).toBe(422)
    expect((await post(body, json, `/v1/${canaryPan}/${canaryWords}?card=${canaryPan}`)).status).toBe(422)
    expect((await post('', json, `/v1/messages/${canaryPan}`, 'GET')).status).toBe(422)
    expect((await post('', named, `/%E0%A4%A/${canaryPan}`, 'GET')).status).toBeGreaterThanOrEqual(400)
  })

  test('an upload that breaks off', async () => {
    const body = JSON.stringify(message(friend.address)).padEnd(300_000)
    const upload = begin('/v1/messages', { ...json, 'content-length': String(body.length) })
    upload.write(body.slice(0, 200_000))
    await eventually('the sealer has it', () => gateway.sealers().length > 0)
    expect([gateway.pid, ...gateway.sealers()].flatMap(filesOpenForWriting)).toEqual([])
    await new Promise(resolve => setTimeout(resolve, 100))
    upload.destroy()
  })

  test.each(['SIGKILL', 'SIGABRT', 'SIGSEGV'] as const)('a sealer that dies of %s at work', async signal => {
    // Nobody sees from outside when the sealer has the first part; so we wait longer each time that it did not.
    let status = 0
    for (let patience = 100; status !== 503 && patience < 2000; patience *= 2) {
      // Only a sealer that is ready can tell that this is no message.
      expect((await post('{}')).status).toBe(400)
      const body = JSON.stringify(message(friend.address)).padEnd(300_000)
      const upload = begin('/v1/messages', { ...json, 'content-length': String(body.length) })
      const answered = once(upload, 'response')
      upload.write(body.slice(0, 200_000))
      await new Promise(resolve => setTimeout(resolve, patience))
      for (const pid of gateway.sealers()) process.kill(pid, signal)
      upload.end(body.slice(200_000))
      const [{ statusCode }] = (await answered) as [{ statusCode: number }]
      status = statusCode
    }
    expect(status).toBe(503)
  })

  test.each([
    ['for good', 'enemy@bank.test', 'failed'],
    ['for now', 'later@bank.test', 'queued'],
  ])('a mail server that refuses %s and names the card', async (_name, address, state) => {
    expect((await post(JSON.stringify(message(address)))).status).toBe(202)
    await eventually('the attempt', async () => (await attempts(address)).length > 0)
    expect(await attempts(address)).toMatchObject([
      { state, reply: expect.stringContaining('card [pan], [pan]') as string },
    ])
  })

  test('no process shows it, none can dump its memory, none has a file open for writing', () => {
    for (const pid of [gateway.pid, ...gateway.sealers()]) {
      for (const file of ['cmdline', 'environ']) {
        expect(canariesIn(readFileSync(`/proc/${pid}/${file}`))).toEqual([])
      }
      expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 /m)
      expect(filesOpenForWriting(pid)).toEqual([])
    }
  })

  test('bytes that are no TLS, and a request that is no HTTP', async () => {
    await new Promise<void>(resolve => {
      const plain = connectTcp(gateway.apiPort, 'localhost', () =>
        plain.end(`${canaryPan} ${canaryWords}\r\n\r\n`),
      )
      plain.on('error', () => resolve()).on('close', () => resolve())
      plain.resume()
    })
    const where = { port: gateway.apiPort, authority: ground.authority }
    const { certificate: cert, key } = ground.client
    const answer = await sendRaw(
      where,
      { cert, key },
      `${canaryPan} ${canaryWords} HTTP/1.1\r\nX: ${canaryPan}\r\n\r\n`,
    )
    expect(canariesIn(Buffer.from(answer))).toEqual([])
    await eventually('both are told', async () => {
      const told = await ground
        .owner('audit_events')
        .where({ type: 'connection.refused' })
        .pluck<string[]>('body')
      return told.length >= 2
    })
  })

  test('what the audit log holds of all that: its events, leaves, checkpoints and what it is searched by', async () => {
    await eventually('every event is a leaf', async () => {
      const { rows } = await ground.owner.raw<{ rows: unknown[] }>(
        'SELECT FROM audit_events WHERE seq NOT IN (SELECT seq FROM audit_leaves) LIMIT 1',
      )
      return rows.length === 0
    })
    const { rows: tables } = await ground.owner.raw<{ rows: { name: string }[] }>(
      `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ '^(audit|log)_'`,
    )
    const filled: string[] = []
    for (const { name } of tables) {
      const { rows } = await ground.owner.raw<{ rows: { row: string }[] }>(
        'SELECT t::text AS row FROM ?? t',
        [name],
      )
      if (rows.length > 0) filled.push(name)
      for (const { row } of rows) expect.soft(canariesIn(Buffer.from(row)), name).toEqual([])
    }
    expect(filled).toEqual(
      expect.arrayContaining(['audit_events', 'audit_leaves', 'audit_checkpoints', 'log_keys']),
    )
    for (const body of await ground.owner('audit_events').pluck<string[]>('body')) {
      for (const text of textsIn(JSON.parse(body))) expect.soft(cardDataOf(text), body).toBeUndefined()
    }
  })

  test('a gateway that dies of SIGABRT with a message in its hands', async () => {
    const body = JSON.stringify(message(friend.address)).padEnd(300_000)
    const upload = begin('/v1/messages', { ...json, 'content-length': String(body.length) })
    upload.write(body.slice(0, 200_000))
    await new Promise(resolve => setTimeout(resolve, 100))
    gateway.signal('SIGABRT')
    expect(await gateway.ended).toBe('SIGABRT')
  })
})

describe('afterwards the canary is nowhere', () => {
  beforeAll(() => postgres.stop())

  test('not in the data directory with its WAL, not in the log of every statement, in no other file', () => {
    const { found, files } = searchFiles(directory)
    expect(found).toEqual([])
    expect(readdirSync(join(directory, 'postgres/data/pg_wal')).length).toBeGreaterThan(1)
    expect(files).toBeGreaterThan(1000)
  })

  test('not in a temporary file, nor in a core', () => {
    expect(readdirSync(temporary)).toEqual([])
    expect(readdirSync(directory).sort()).toEqual(['postgres', 'tmp'])
    expect(readdirSync(process.cwd()).filter(name => /^core|heapsnapshot|^report\./.test(name))).toEqual([])
  })

  test('not in what the gateway wrote', () => {
    expect(gateway.output()).toContain('request-refused')
    expect(canariesIn(Buffer.from(gateway.output()))).toEqual([])
  })

  test('not in an answer, nor in a mail', () => {
    expect(answers.length).toBeGreaterThan(15)
    for (const { text, headers } of answers) {
      expect(canariesIn(Buffer.from(text + JSON.stringify(headers)))).toEqual([])
    }
    for (const { bytes } of sink.mails) expect(canariesIn(bytes)).toEqual([])
  })
})

/** Every string in a value, names of members included. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => [name, ...textsIn(item)])
}

/** The harshest log that an administrator of PostgreSQL can switch on. */
async function logEverything(): Promise<void> {
  const { knex, close } = openDatabase(postgres.config('superuser'), {
    applicationName: 'test',
    statementTimeout: 30_000,
    poolSize: 1,
  })
  const settings = {
    log_statement: 'all',
    log_min_messages: 'debug1',
    log_min_error_statement: 'error',
    log_error_verbosity: 'verbose',
    log_parameter_max_length: '-1',
    log_parameter_max_length_on_error: '-1',
    log_min_duration_statement: '0',
  }
  for (const [name, value] of Object.entries(settings))
    await knex.raw(`ALTER SYSTEM SET ${name} = '${value}'`)
  await knex.raw('SELECT pg_reload_conf()')
  await close()
}

async function attempts(address: string): Promise<{ state: string; reply: string }[]> {
  const rows: { state: string; reply: string }[] = await ground
    .owner('attempts')
    .join('deliveries', 'deliveries.id', 'attempts.delivery_id')
    .where('deliveries.address', address)
    .select('deliveries.state', 'attempts.reply')
  return rows
}
