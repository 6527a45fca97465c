import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Client } from '../../src/demo/index.ts'
import { migrate, openDatabase, startEmbeddedPostgres } from '../../src/platform/index.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { eventually } from '../support/locks.ts'
import { type RawAnswer, send } from '../support/request.ts'
import { type Ground, openGround, type Serving, sender } from '../support/serve.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { byMessageId, type Load, messageIdsOf, openDeliveries, prepareLoad } from './load.ts'
import { passTime, superviseNow } from './pass-time.ts'

interface Scene {
  readonly ground: Ground
  readonly sink: Sink
  readonly gateway: Serving
  readonly to: string
}

const scenes = new AsyncDisposableStack()
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>
let killed: Scene
let cut: Scene
beforeAll(async () => {
  postgres = scenes.adopt(await startEmbeddedPostgres(), server => server.stop())
  await migrate(postgres.config('owner'))
  const own = {
    owner: postgres.config('owner'),
    gateway: postgres.config('gateway'),
    superuser: postgres.config('superuser'),
    drop: () => Promise.resolve(),
  }
  ;[killed, cut] = await Promise.all([openScene(own), openScene()])
})
afterAll(() => scenes.disposeAsync())

test.concurrent('SIGKILL of the postmaster under load: 503 while it is away, then on as before, and nothing lost', async () => {
  const { gateway } = killed
  const load = prepareLoad(200, killed.to)
  const posting = load.post(gateway.client, 16)
  await eventually('half of the load', () => load.acknowledged.length >= 100)
  await postgres.kill()
  await posting
  expect(load.refusals).not.toEqual([])

  const answer = await post(killed)
  expect(answer.status).toBe(503)
  expect(JSON.parse(answer.text)).toMatchObject({ code: 'database_unavailable', retryable: true })
  expect(answer.headers['retry-after']).toMatch(/^\d+$/)
  const unready = await ready(killed)
  expect(unready.status).toBe(503)
  expect(JSON.parse(unready.text)).toMatchObject({ checks: { database: false, sealer: true } })

  await postgres.start()
  await eventually('readiness', async () => (await ready(killed)).status === 200, 5)
  await expectAllToArrive(killed, load)
})

test.concurrent('every connection to PostgreSQL is cut, three times, under load: nothing is lost', async () => {
  const { gateway, ground } = cut
  const { knex, close } = openDatabase(ground.database.superuser, {
    applicationName: 'test',
    statementTimeout: 0,
    poolSize: 1,
  })
  const load = prepareLoad(150, cut.to)
  for (const part of [30, 70, 110]) {
    const posting = postAll(load, gateway.client)
    await eventually(`${part} messages`, () => load.acknowledged.length >= part)
    await knex.raw(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = 'sealpost_gateway' AND datname = current_database()`,
    )
    if (part === 110) await posting
  }
  await close()
  await expectAllToArrive(cut, load)
})

async function openScene(database?: Parameters<typeof openGround>[0]): Promise<Scene> {
  const ground = await openGround(database)
  const sink = scenes.adopt(await startSink(ground.mailIdentity), it => it.stop())
  // Before the mail server, which waits for connections to end.
  scenes.defer(() => ground.close())
  const { address: to } = await ground.addRecipient('a@bank.test', sink.port)
  return { ground, sink, to, gateway: await ground.serve() }
}

/** Whoever is refused tries again a little later, as `Retry-After` says, only sooner. */
async function postAll(load: Load, client: Client): Promise<void> {
  while (load.left > 0) {
    await load.post(client, 8)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function expectAllToArrive({ ground, sink, gateway }: Scene, load: Load): Promise<void> {
  await postAll(load, gateway.client)
  const { owner, database } = ground
  const refused = load.refusals.filter(
    ({ status, code }) => status !== 503 || code !== 'database_unavailable',
  )
  expect(refused).toEqual([])
  // A courier gives up what it could not look at; then nobody works on it, and it is found by its heartbeat.
  let before = -1
  for (let now = await openDeliveries(owner); now > 0 && now !== before; now = await openDeliveries(owner)) {
    before = now
    await new Promise(resolve => setTimeout(resolve, 1500))
  }
  await passTime(owner)
  await superviseNow(database.gateway)
  await eventually('all deliveries', async () => (await openDeliveries(owner)) === 0)
  const arrived = byMessageId(sink.mails)
  expect((await messageIdsOf(owner, load.acknowledged)).filter(id => !arrived.has(id))).toEqual([])
  for (const [first, ...again] of arrived.values()) {
    for (const mail of again) expect(mail.bytes.equals(first?.bytes ?? Buffer.of())).toBe(true)
  }
  expect(await brokenInvariants(owner)).toEqual([])
}

function post({ ground, gateway, to }: Scene): Promise<RawAnswer> {
  const { certificate: cert, key } = ground.client
  const headers = { 'content-type': 'application/json' }
  return send(
    { port: gateway.apiPort, authority: ground.authority },
    { method: 'POST', path: '/v1/messages', headers, cert, key },
    JSON.stringify({ from: sender, to: [to], subject: 's', text: 't' }),
  )
}

function ready({ ground, gateway }: Scene): Promise<RawAnswer> {
  return send({ port: gateway.opsPort, authority: ground.authority }, { path: '/readyz' })
}
