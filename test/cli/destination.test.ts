import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { approvePolicy, setDestination } from '../support/shortcut.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

let database: TestDatabase
let owner: Database
let directory: string
let authority: Identity
let server: HostileServer
beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 })
  directory = mkdtempSync(join(tmpdir(), 'sealpost-destination-'))
  authority = await createAuthority({ commonName: 'Their CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  server = await startHostile(identity, async client => {
    client.send('220 mx\r\n')
    for (;;) {
      const line = await client.line()
      if (line === undefined) return
      if (line.startsWith('EHLO')) client.send('250-mx\r\n250-STARTTLS\r\n250 SIZE 5000\r\n')
      else if (line === 'STARTTLS') {
        client.send('220 go\r\n')
        await client.startTls()
      } else client.send('250 ok\r\n')
    }
  })
})
afterAll(async () => {
  await server.stop()
  await owner.close()
  await database.drop()
  rmSync(directory, { recursive: true })
})

const mail = {
  SEALPOST_MAIL_HOST: 'gateway.pay.test',
  SEALPOST_DELIVERY_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128',
}

function run(...args: readonly string[]) {
  return runWith({ ...mail, ...asOwnerOf(database) }, ...args)
}

async function runWith(environment: Record<string, string>, ...args: readonly string[]) {
  const { status, stdout, stderr } = await command(['destination', ...args], environment)
  return { status, output: stdout + stderr }
}

function file(name: string, rule: object): string {
  const path = join(directory, name)
  writeFileSync(path, JSON.stringify(rule))
  return path
}

const pinned = (ca: string) => ({
  mode: 'pinned' as const,
  hosts: [{ name: 'localhost', port: server.port, tls: 'starttls' as const }],
  pins: { ca },
})
const ruleOf = async (domain: string) =>
  (await owner.knex('destinations').where({ domain }).first<{ rule: unknown } | undefined>('rule'))?.rule

test('set gives a domain its first rule, auto; no command sets another one', async () => {
  const first = await run('set', 'bank.test')
  expect(first.status).toBe(0)
  expect(first.output).toContain('bank.test: The mail servers are those that DNS names (MX).')
  expect(await ruleOf('bank.test')).toEqual({ mode: 'auto' })
  const strict = file('strict.json', { mode: 'auto', floor: 'dane' })
  for (const args of [
    ['bank.test'],
    ['bank.test', strict],
    ['new.test', file('p.json', pinned(authority.certificate))],
  ]) {
    const { status, output } = await run('set', ...args)
    expect(status).toBe(2)
    expect(output).toMatch(/^second_person_needed: .*console/)
  }
  expect(await ruleOf('bank.test')).toEqual({ mode: 'auto' })
  expect(await ruleOf('new.test')).toBeUndefined()
  expect((await run('set', 'dane.test', strict)).status).toBe(0)
  const events = await owner
    .knex('audit_events')
    .where({ type: 'destination.set' })
    .orderBy('seq')
    .pluck<string[]>('body')
  expect(events.map(body => JSON.parse(body) as unknown)).toMatchObject([
    { domain: 'bank.test', mode: 'auto', actor: { kind: 'host' } },
    { domain: 'dane.test', mode: 'auto', actor: { kind: 'host' } },
  ])
})

test.each([
  ['a domain in capitals', ['set', 'Bank.test'], /^usage/],
  ['a file that is not there', ['set', 'other.test', '/nowhere/rule.json'], /^usage: .*ENOENT/],
  ['a domain of which nothing is known', ['show', 'unknown.test'], /^not_found/],
  ['a domain that is none', ['probe', '192.0.2.1'], /^usage/],
])('%s is refused', async (_name, args, words) => {
  const { status, output } = await run(...args)
  expect(status).toBe(2)
  expect(output).toMatch(words)
})

test('a file that holds no rule is refused, and not quoted', async () => {
  const { status, output } = await run(
    'set',
    'other.test',
    file('x.json', { mode: 'opportunistic', x: 'secret' }),
  )
  expect(status).toBe(2)
  expect(output).toMatch(/^config_invalid: .*\/mode/)
  expect(output).not.toContain('secret')
})

test('list and show', async () => {
  await setDestination(owner.knex, 'pinned.test', pinned(authority.certificate))
  expect((await run('list')).output).toContain(`pinned.test  pinned  localhost:${server.port} (STARTTLS)\n`)
  const { output } = await run('show', 'pinned.test')
  expect(output).toMatch(/^pinned\.test: pinned$/m)
  expect(output).toMatch(/from this CA and no other: CN=Their CA, until .*, SHA-256 [0-9a-f]{64}$/m)
  expect(output).toContain('last attempt: none')
  expect(JSON.parse((await run('show', 'pinned.test', '--json')).output)).toMatchObject({
    domain: 'pinned.test',
    rule: { mode: 'pinned' },
    waiting: null,
    history: [],
  })
})

describe('probe', () => {
  test('without a crypto policy in force nothing could go', async () => {
    await setDestination(owner.knex, 'pinned.test', pinned(authority.certificate))
    const { status, output } = await run('probe', 'pinned.test', '--json')
    expect(status).toBe(2)
    expect(JSON.parse(output)).toMatchObject({ verdict: { ok: false, outcome: 'sending_not_approved' } })
    await approvePolicy(owner.knex)
  })

  test('by the rule that is stored: exit 0 when mail could go, and nothing was sent', async () => {
    await setDestination(owner.knex, 'pinned.test', pinned(authority.certificate))
    const { status, output } = await run('probe', 'pinned.test')
    expect(status).toBe(0)
    expect(output).toContain('pinned.test: pinned (the rule in force)')
    expect(output).toMatch(
      /localhost \S+: authenticated \(pinned\)\n +TLSv1\.3 TLS_AES_256_GCM_SHA384 X25519MLKEM768\n/,
    )
    expect(output).toContain('Mail can go: pinned uses the pins of the rule for localhost.')
    expect(output).toContain('offers SIZE 5000')
    expect(server.secret()).not.toMatch(/MAIL|RCPT|DATA/)
    expect(server.clear()).not.toMatch(/MAIL|RCPT|DATA/)
  })

  test('exit 2 when it could not, with what was shown', async () => {
    const other = await createAuthority({ commonName: 'Another CA', days: 1 })
    await setDestination(owner.knex, 'pinned.test', pinned(other.certificate))
    const { status, output } = await run('probe', 'pinned.test')
    expect(status).toBe(2)
    expect(output).toContain('tls_certificate_untrusted')
    expect(output).toMatch(/key \(SPKI SHA-256\) [A-Za-z0-9+/]{43}=/)
    expect(output).toContain('Mail cannot go. ')
  })

  test('by a rule that is given, without a database', async () => {
    const rule = file('given.json', pinned(authority.certificate))
    const { status, output } = await runWith(mail, 'probe', 'anything.test', '--rule', rule, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(output)).toMatchObject({
      domain: 'anything.test',
      ruleIs: 'given',
      servers: [{ host: 'localhost', result: { ok: true } }],
      verdict: { ok: true, level: 'pinned' },
    })
  })
})
