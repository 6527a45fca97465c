import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { issueServerCertificate } from '../../src/platform/pki/index.ts'
import { fingerprintOf } from '../../src/platform/tls/index.ts'
import { revocationList } from '../support/revocation-lists.ts'
import { type Ground, openGround, spawnServe } from '../support/serve.ts'

// Each starts a gateway of its own.
vi.setConfig({ testTimeout: 120_000 })

let ground: Ground
beforeAll(async () => {
  ground = await openGround()
})
afterAll(() => ground.close())

const file = (name: 'SEALPOST_TLS_CERT_FILE' | 'SEALPOST_TLS_KEY_FILE' | 'SEALPOST_CLIENT_CA_FILE') =>
  ground.environment[name] ?? ''
const shownAt = async (port: number): Promise<string> => {
  const socket = connect({
    host: 'localhost',
    servername: 'localhost',
    port,
    ca: ground.authority.certificate,
  })
  await once(socket, 'secureConnect')
  const shown = socket.getPeerX509Certificate()
  socket.destroy()
  return shown === undefined ? '' : fingerprintOf(shown)
}
const sha256 = (pem: string): string => fingerprintOf(new X509Certificate(pem))

async function refusal(settings: Record<string, string>): Promise<{ status: unknown; output: string }> {
  const child = spawnServe({ ...ground.environment, ...settings }, ground.passphrase)
  return { status: await child.ended, output: child.output() }
}

async function lastEvent(): Promise<unknown> {
  const last = await ground.owner('audit_events').orderBy('seq', 'desc').first<{ body: string }>('body')
  return JSON.parse(last.body)
}

test('exposure external with a certificate of a private CA: refused with the reason, and audited', async () => {
  const { status, output } = await refusal({ SEALPOST_EXPOSURE: 'external' })
  expect(status).toBe(2)
  expect(output).toContain('tls_material_refused')
  expect(output).toContain('api: not_publicly_trusted')
  expect(await lastEvent()).toMatchObject({
    type: 'tls.start.refused',
    listener: 'api',
    reason: 'not_publicly_trusted',
  })
})

test.each([
  ['our own certificate', 'SEALPOST_TLS_CERT_FILE'],
  ['the CA of our clients', 'SEALPOST_CLIENT_CA_FILE'],
] as const)('%s is of another environment: refused, and audited', async (_, name) => {
  const pem = await readFile(file(name), 'utf8')
  const { status, output } = await refusal({ SEALPOST_FOREIGN_CERTIFICATES: sha256(pem) })
  expect(status).toBe(2)
  expect(output).toContain('foreign_certificate')
  expect(await lastEvent()).toMatchObject({ type: 'tls.start.refused', reason: 'foreign_certificate' })
})

test('a list of revoked clients that has ended: refused', async () => {
  const list = `${file('SEALPOST_CLIENT_CA_FILE')}.crl`
  await writeFile(list, await revocationList(ground.authority, { hours: -1 }))
  const { status, output } = await refusal({ SEALPOST_CLIENT_CRL_FILE: list })
  expect(status).toBe(2)
  expect(output).toContain('api: crl_expired')
})

test('an exception for PostgreSQL that has ended: refused before anything is opened', async () => {
  const child = spawnServe(
    {
      ...ground.environment,
      SEALPOST_DATABASE_SOCKET: '',
      SEALPOST_DATABASE_HOST: '127.0.0.1',
      SEALPOST_DATABASE_CA_FILE: file('SEALPOST_CLIENT_CA_FILE'),
      SEALPOST_DATABASE_TUNNEL_UNTIL: '2026-11-20',
      SEALPOST_DATABASE_TUNNEL_REASON: 'PostgreSQL 11 until its upgrade',
    },
    ground.passphrase,
  )
  expect(await child.ended).toBe(2)
  expect(child.output()).toContain('exception_expired')
})

test('SIGHUP takes new files at once; so does time; broken ones are refused and the old go on', async () => {
  const gateway = await ground.serve({ roles: 'api' })
  const replace = async (days: number) => {
    const renewed = await issueServerCertificate(ground.authority, { dnsNames: ['localhost'], days })
    await writeFile(file('SEALPOST_TLS_KEY_FILE'), renewed.key)
    await writeFile(file('SEALPOST_TLS_CERT_FILE'), renewed.certificate)
    return sha256(renewed.certificate)
  }
  const first = await replace(1)
  gateway.signal('SIGHUP')
  await expect.poll(() => shownAt(gateway.apiPort), { timeout: 60_000 }).toBe(first)
  expect(await shownAt(gateway.opsPort)).toBe(first)

  await replace(-1)
  gateway.signal('SIGHUP')
  await expect.poll(gateway.output, { timeout: 60_000 }).toContain('"reason":"api:certificate_expired"')
  expect(await shownAt(gateway.apiPort)).toBe(first)

  const second = await replace(1)
  await expect.poll(() => shownAt(gateway.apiPort), { timeout: 60_000, interval: 200 }).toBe(second)
  expect((await gateway.client.get('/v1/messages/x')).status).toBe(404)
  await gateway.kill()
})

test('SIGHUP while the gateway starts does not end it', async () => {
  const child = spawnServe(ground.environment, ground.passphrase)
  // Bit 0 of the signals that it catches.
  const catches = async () =>
    /^SigCgt:\t[0-9a-f]*[13579bdf]$/m.test(await readFile(`/proc/${child.pid}/status`, 'utf8'))
  await expect.poll(catches, { timeout: 60_000, interval: 5 }).toBe(true)
  child.signal('SIGHUP')
  await expect.poll(child.output, { timeout: 60_000 }).toContain('gateway-started')
  child.signal('SIGTERM')
  expect(await child.ended).toBe(0)
})
