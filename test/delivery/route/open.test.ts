import { PassThrough } from 'node:stream'
import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { RoutingConfig, RoutingSecrets } from '../../../src/config/index.ts'
import { openRouting, type Routing } from '../../../src/delivery/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { openDatabase, openLogger } from '../../../src/platform/index.ts'
import { testDatabase } from '../../support/database.ts'
import { type Answering, asksUnchecked, reply, startDns } from '../../support/dns-server.ts'
import { openHouse } from '../../support/house.ts'
import { setDestination } from '../../support/shortcut.ts'

const opened = new AsyncDisposableStack()
let knex: Knex
let owner: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const connect = (config: typeof database.owner) =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 }),
      pool => pool.close(),
    ).knex
  knex = connect(database.gateway)
  owner = connect(database.owner)
  await setDestination(owner, 'bank.test', { mode: 'auto' })
})
afterAll(() => opened.disposeAsync())

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const plain = { resolver: undefined, allowedNetworks: [], relayRule: undefined }
const open = { publicCa: undefined, relayCredentials: undefined }

async function routing(
  config: Partial<RoutingConfig>,
  secrets: Partial<RoutingSecrets> = {},
): Promise<{ readonly found: Routing; readonly log: () => string }> {
  let text = ''
  const destination = new PassThrough({ encoding: 'utf8' }).on('data', (piece: string) => {
    text += piece
  })
  const found = await openRouting({
    knex,
    clock: systemClock,
    log: openLogger({ level: 'debug', destination }),
    config: { ...plain, ...config },
    secrets: { ...open, ...secrets },
  })
  closing.push(() => found.close())
  return { found, log: () => text }
}

/** As the world answers the public names of the self-test, by a resolver that validates; or by one that does not. */
function world(validates: boolean): Answering {
  return query => {
    const { name, type } = query.question
    const data = '192.0.2.1'
    if (type === 'MX')
      return [
        reply(query, {
          answers: [{ type: 'MX', name, data: { preference: 1, exchange: 'mx.bank.test' } }],
          ad: true,
        }),
      ]
    if (type !== 'A') return [reply(query)]
    const bogus = /^(?:dnssec-failed\.org|rhybar\.cz)$/.test(name)
    if (bogus && validates && !asksUnchecked(query)) return [reply(query, { rcode: 2 })]
    return [reply(query, { answers: [{ type: 'A', name, data }], ad: !bogus })]
  }
}

async function resolver(answering: Answering): Promise<{ readonly address: string; readonly port: number }> {
  const server = await startDns(answering)
  closing.push(() => server.stop())
  return server
}

/** What the events say, once there are that many. */
async function tested(from: Knex, count: number): Promise<unknown[]> {
  for (let tries = 0; ; tries++) {
    const rows = await from('audit_events')
      .where({ type: 'resolver.tested' })
      .orderBy('seq')
      .select<{ body: string }[]>('body')
    if (rows.length >= count || tries === 500)
      return rows.map(({ body }) => (JSON.parse(body) as { validates: unknown }).validates)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('a resolver that validates turns DANE on, and says so', async () => {
  const { found, log } = await routing({ resolver: await resolver(world(true)) })
  expect(found.dns.validates).toBe(true)
  expect(await found.dns.mx('bank.test')).toMatchObject({ secure: true })
  expect((await found.explain('bank.test')).validates).toBe(true)
  expect(await tested(owner, 1)).toEqual([true])
  expect(log()).toMatch(/"event":"resolver-validates"/)
})

test('one that does not turns DANE off, loudly', async () => {
  const before = (await tested(owner, 0)).length
  const { found, log } = await routing({ resolver: await resolver(world(false)) })
  expect(found.dns.validates).toBe(false)
  expect(await found.dns.mx('bank.test')).toMatchObject({ secure: false })
  expect(await tested(owner, before + 1)).toEqual([...Array<boolean>(before).fill(true), false])
  expect(log()).toMatch(/"level":"error".*"reason":"bogus_believed".*"event":"dane-off"/)
})

test('none at all is said, too', async () => {
  const { found, log } = await routing({})
  expect(found.dns.validates).toBe(false)
  expect(log()).toMatch(/"level":"warn".*"reason":"no_resolver".*"event":"dane-off"/)
})

test('a relay is taken from its rule, and its credentials are shown to nobody who prints the route', async () => {
  const relayRule = JSON.stringify({
    mode: 'secure',
    hosts: [{ name: 'localhost', port: 587, tls: 'starttls' }],
  })
  const relayCredentials = { login: { username: 'us', password: 'correct horse' } }
  const allowedNetworks = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
  const { found } = await routing({ relayRule, allowedNetworks }, { relayCredentials })
  const route = await found.findRoute('bank.test')
  expect(route).toMatchObject({ ok: true, asked: 'relay', candidates: [{ host: { name: 'localhost' } }] })
  expect(JSON.stringify(route)).not.toContain('correct horse')
  expect(route.ok ? route.credentials?.() : undefined).toEqual(relayCredentials)
})

test.each(['{"mode":"auto"}', '{"mode":"opportunistic"}', '{}', 'not JSON'])(
  'a relay with the rule %s is refused before anything is opened',
  async relayRule => {
    await expect(routing({ relayRule })).rejects.toMatchObject({ code: 'config_invalid' })
  },
)

test('a gateway tests its resolver before it starts', async () => {
  const house = await openHouse({ resolver: await resolver(world(false)) })
  try {
    expect(await tested(house.owner, 1)).toEqual([false])
    expect(house.log()).toMatch(/"event":"dane-off"/)
  } finally {
    await house.close()
  }
})
