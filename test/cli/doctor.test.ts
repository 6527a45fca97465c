import { chmod, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ConnectionInventory } from '../../src/connections/index.ts'
import { issueServerCertificate } from '../../src/platform/pki/index.ts'
import { command } from '../support/command.ts'
import { revocationList } from '../support/revocation-lists.ts'
import { type Ground, openGround, spawnCommand } from '../support/serve.ts'

// Each runs our command in a process of its own.
vi.setConfig({ testTimeout: 120_000 })

let ground: Ground
let sound: Record<string, string>
const file = async (name: string, content: string): Promise<string> => {
  const path = join(dirname(ground.environment['SEALPOST_TLS_KEY_FILE'] ?? ''), name)
  await writeFile(path, content, { mode: 0o600 })
  return path
}

beforeAll(async () => {
  ground = await openGround()
  const names = ['console.gateway.test', 'keys.gateway.test', 'localhost'] as const
  const own = await issueServerCertificate(ground.authority, { dnsNames: [...names], days: 90 })
  sound = {
    ...ground.environment,
    SEALPOST_TLS_CERT_FILE: await file('named.pem', own.certificate),
    SEALPOST_TLS_KEY_FILE: await file('named.key', own.key),
    SEALPOST_CLIENT_CRL_FILE: await file('clients.crl', await revocationList(ground.authority)),
  }
})
afterAll(() => ground.close())

interface Finding {
  readonly check: string
  readonly verdict: string
  readonly found: string
  readonly remedy?: string
}

function read(output: string) {
  const { ok, findings } = JSON.parse(output) as { ok: boolean; findings: Finding[] }
  const of = (name: string) => findings.find(({ check }) => check === name)
  return { ok, findings, of }
}

async function doctor(changes: Record<string, string> = {}) {
  const { status, stdout } = await command(['doctor', '--json'], { ...sound, ...changes })
  return { status, ...read(stdout) }
}

test('a sound installation: nothing fails, every warning says what to do, exit 0', async () => {
  // In a process of its own, which is looked at, too.
  const child = spawnCommand(['doctor', '--json'], sound)
  const status = await child.ended
  const { ok, findings, of } = read(child.output())
  expect(findings.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  expect([status, ok]).toEqual([0, true])
  for (const { verdict, remedy } of findings) expect(verdict === 'ok' ? 'none' : (remedy ?? '')).not.toBe('')
  expect(of('database')?.found).toMatch(/by a unix socket, as sealpost_gateway/)
  for (const name of [
    'environment',
    'settings',
    'certificate',
    'public-certificate',
    'schema',
    'durability',
    'policy',
    'signing-key',
    'secret-files',
    'clock',
  ])
    expect([name, of(name)?.verdict]).toEqual([name, 'ok'])
  expect(of('resolver')).toMatchObject({ verdict: 'warn' })
  expect(of('encrypted-client-hello')?.found).toContain('no Encrypted Client Hello')
})

test.each([
  ['settings', 'SEALPOST_EXPOSURE', 'somewhere', 'SEALPOST_EXPOSURE'],
  ['certificate', 'SEALPOST_EXPOSURE', 'external', 'not_publicly_trusted'],
  ['certificate', 'SEALPOST_CONSOLE_URL', 'https://elsewhere.test', 'does not name elsewhere.test'],
  ['environment', 'SSLKEYLOGFILE', '/tmp/keys', 'SSLKEYLOGFILE'],
  ['schema', 'SEALPOST_DATABASE_NAME', 'postgres', ''],
] as const)(
  '%s fails when %s is %s, with a remedy, and the exit is 2',
  async (name, setting, value, found) => {
    const { status, ok, of } = await doctor({ [setting]: value })
    expect([status, ok]).toEqual([2, false])
    expect(of(name)).toMatchObject({ verdict: 'fail', found: expect.stringContaining(found) as string })
    expect(of(name)?.remedy).not.toBe('')
  },
)

test('a key that others can read, a list that has ended, a domain without a rule', async () => {
  const list = await file('old.crl', await revocationList(ground.authority, { hours: -1 }))
  await chmod(sound['SEALPOST_TLS_KEY_FILE'] ?? '', 0o644)
  await ground.owner('destinations').delete()
  await ground.addRecipient('karin@bank.example', 25)
  await ground.owner('destinations').delete()
  const { status, of } = await doctor({ SEALPOST_CLIENT_CRL_FILE: list })
  expect(status).toBe(2)
  expect(of('secret-files')).toMatchObject({
    verdict: 'fail',
    found: expect.stringContaining('TLS_KEY') as string,
  })
  expect(of('client-ca')).toMatchObject({
    verdict: 'fail',
    found: expect.stringContaining('crl_expired') as string,
  })
  expect(of('destinations')).toMatchObject({ verdict: 'warn', found: 'no rule for: bank.example' })
  await chmod(sound['SEALPOST_TLS_KEY_FILE'] ?? '', 0o600)
})

test('with --destinations the mail servers of every domain are tried, and one that is not there fails', async () => {
  await ground.addRecipient('anna@nobody.example', 1)
  const { status, stdout } = await command(['doctor', '--json', '--destinations'], sound)
  expect(status).toBe(2)
  const { findings } = read(stdout)
  const [probed] = findings.filter(({ check }) => check === 'destination')
  expect(probed).toMatchObject({
    verdict: 'fail',
    found: expect.stringMatching(/^nobody\.example: /) as string,
  })
  await ground.owner('destinations').delete()
})

test('in words: one line a finding, and what to do below it', async () => {
  const child = spawnCommand(['doctor'], sound)
  expect(await child.ended).toBe(0)
  expect(child.output()).toMatch(/^ok {4}settings +complete/m)
  expect(child.output()).toMatch(/^warn {2}resolver .*\n +→ /m)
})

async function inventory(args: readonly string[], settings: Record<string, string>): Promise<string> {
  const { status, stdout } = await command(['inventory', ...args], settings)
  expect(status).toBe(0)
  return stdout
}

test('the inventory lists every listener and connection with its CA, floor and ends', async () => {
  await ground.addRecipient('lena@bank.example', 25)
  const application: { id: string } = await ground.owner('applications').first('id')
  const url = 'https://hooks.bank.example:8443/a-secret-path'
  await ground
    .owner('webhooks')
    .insert({ id: 'whk_1', application_id: application.id, url, created_at: new Date() })
  const output = await inventory(['--json'], {
    ...sound,
    SEALPOST_DISCOVERY: 'on',
    SEALPOST_KEYSERVER: 'https://keys.test',
  })
  const { connections: listed } = JSON.parse(output) as { connections: ConnectionInventory }
  expect(listed.connections.map(({ name }) => name)).toEqual([
    'listener-api',
    'listener-console',
    'listener-public',
    'listener-ops',
    'postgresql',
    'smtp',
    'mta-sts',
    'wkd',
    'vks',
    'webhook',
    'dns',
    'revocation',
  ])
  expect(listed).toMatchObject({
    reviewBy: '2027-11-20',
    profile: { versions: ['TLSv1.3', 'TLSv1.2'], encryptedClientHello: 'unsupported' },
  })
  // Without TLS only what says why.
  for (const { name, floor, exception } of listed.connections)
    expect([name, floor === null]).toEqual([name, exception !== null])
  const of = (name: string) => listed.connections.find(connection => connection.name === name)
  expect(of('listener-api')).toMatchObject({
    peer: 'client_certificate',
    revocation: 'crl',
    floor: 'TLSv1.2',
  })
  expect(of('listener-api')?.involved.map(({ what }) => what)).toEqual(['own', 'ca', 'crl'])
  expect(of('postgresql')).toMatchObject({ peer: 'unix_socket', floor: null })
  expect(of('webhook')).toMatchObject({
    place: 'https://hooks.bank.example:8443',
    peer: 'public_cas',
    lastUsedAt: null,
  })
  expect(output).not.toContain('a-secret-path')
  expect(of('smtp')?.involved).toMatchObject([{ what: 'ca', domain: 'bank.example' }])
  const text = await inventory([], sound)
  expect(text).toContain('listener-api (in) 127.0.0.1:0')
  expect(text).toContain('Encrypted Client Hello: unsupported')
})

test('without the settings of serve the inventory says what is missing', async () => {
  const { SEALPOST_DATABASE_SOCKET = '', SEALPOST_DATABASE_NAME = '' } = sound
  const text = await inventory([], { SEALPOST_DATABASE_SOCKET, SEALPOST_DATABASE_NAME })
  expect(text).toMatch(/^connections: not told without the settings of serve: SEALPOST_\w+ is required$/m)
})
