import { createHash, X509Certificate } from 'node:crypto'
import { appendFileSync, chmodSync, chownSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { DatabaseConfig } from '../../src/config/index.ts'
import {
  type EmbeddedPostgres,
  migrate,
  openDatabase,
  openQueue,
  startEmbeddedPostgres,
} from '../../src/platform/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { fingerprintOf } from '../../src/platform/tls/index.ts'
import { oddCertificate } from '../support/odd-certificates.ts'
import { revocationList } from '../support/revocation-lists.ts'

// PostgreSQL listens on a loopback address of its own, so that its port collides with nobody's; a proxy gives it a
// name (localhost) and counts what was sent.
const address = '127.77.3.19'
const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 1 }

let server: EmbeddedPostgres
let authority: Identity
let proxy: Proxy

beforeAll(async () => {
  authority = await createAuthority({ commonName: 'database CA', days: 1 })
  server = await startEmbeddedPostgres()
  await migrate(server.config('owner'))
  await asSuperuser('ALTER ROLE sealpost_gateway PASSWORD \'right\'; CREATE ROLE "urn:gateway" LOGIN')
  appendFileSync(
    join(server.directory, 'data', 'postgresql.conf'),
    `listen_addresses = '${address}'\nssl = on\nssl_ca_file = 'ca.pem'\n`,
  )
  writeFileSync(
    join(server.directory, 'data', 'pg_hba.conf'),
    'local all all peer map=host\nhostssl sealpost sealpost_gateway all scram-sha-256\nhostssl sealpost sealpost_auditor all cert map=certificate\n',
  )
  appendFileSync(
    join(server.directory, 'data', 'pg_ident.conf'),
    'certificate "Sealpost client" sealpost_auditor\n',
  )
  place('ca.pem', authority.certificate)
  await presents(await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }))
  await server.kill()
  await server.start()
  proxy = await openProxy({ host: address, port: 5432 })
})

afterAll(async () => {
  proxy.close()
  await server.stop()
})

type TlsConfig = Extract<DatabaseConfig, { kind: 'tls' }>

function gateway(changes: Partial<TlsConfig> = {}): TlsConfig {
  return {
    kind: 'tls',
    host: 'localhost',
    port: proxy.port,
    database: 'sealpost',
    user: 'sealpost_gateway',
    password: 'right',
    ca: authority.certificate,
    ...changes,
  }
}

async function connection(config: DatabaseConfig): Promise<unknown> {
  const database = openDatabase(config, session)
  try {
    const { rows } = await database.knex.raw<{ rows: unknown[] }>(
      'SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    )
    return rows[0]
  } catch (error) {
    return error
  } finally {
    await database.close()
  }
}

const unavailable = (detail: string) => ({ code: 'database_unavailable', details: { detail } })

test('verified TLS 1.3 connects, whatever the PG variables say', async () => {
  vi.stubEnv('PGSSLMODE', 'disable')
  vi.stubEnv('PGHOST', '192.0.2.1')
  expect(await connection(gateway())).toEqual({ ssl: true, version: 'TLSv1.3' })
  vi.unstubAllEnvs()
})

test('the queue connects under the same rules', async () => {
  const boss = await openQueue(gateway(), { poolSize: 1, onError: () => undefined })
  await boss.stop({ graceful: false })
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  await expect(
    openQueue(gateway({ ca: other.certificate }), { poolSize: 1, onError: () => undefined }),
  ).rejects.toMatchObject(unavailable('SELF_SIGNED_CERT_IN_CHAIN'))
})

test('a client certificate takes the place of the password', async () => {
  const client = await issueClientCertificate(authority, { uri: 'urn:auditor', days: 1 })
  const auditor = gateway({ user: 'sealpost_auditor' })
  expect(await connection(auditor)).toMatchObject({ code: 'database_unavailable' })
  expect(
    await connection({ ...auditor, clientCertificate: client.certificate, clientKey: client.key }),
  ).toEqual({ ssl: true, version: 'TLSv1.3' })
})

test('a certificate of another CA is refused', async () => {
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  expect(await connection(gateway({ ca: other.certificate }))).toMatchObject(
    unavailable('SELF_SIGNED_CERT_IN_CHAIN'),
  )
})

test('a certificate for another host name is refused', async () => {
  await presents(await issueServerCertificate(authority, { dnsNames: ['db.example'], days: 1 }), 'reload')
  expect(await connection(gateway())).toMatchObject(unavailable('ERR_TLS_CERT_ALTNAME_INVALID'))
})

test('a certificate for localhost is refused at an IP address', async () => {
  await presents(await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }), 'reload')
  expect(await connection(gateway({ host: '127.0.0.1' }))).toMatchObject(
    unavailable('ERR_TLS_CERT_ALTNAME_INVALID'),
  )
})

test('a certificate with the name in its common name only is refused', async () => {
  await presents(await oddCertificate.commonNameOnly(authority, 'localhost'), 'reload')
  expect(await connection(gateway())).toMatchObject(unavailable('ERR_TLS_CERT_ALTNAME_INVALID'))
})

test('an expired certificate is refused', async () => {
  await presents(await oddCertificate.expired(authority, 'localhost'), 'reload')
  expect(await connection(gateway())).toMatchObject(unavailable('CERT_HAS_EXPIRED'))
})

test("a client's certificate is refused as the server's", async () => {
  await presents(await oddCertificate.clientUsage(authority, 'localhost'), 'reload')
  expect(await connection(gateway())).toMatchObject(unavailable('INVALID_PURPOSE'))
})

test('a server that offers TLS 1.2 at most is refused', async () => {
  await presents(await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }), 'reload')
  await asSuperuser("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'")
  await reload()
  expect(await connection(gateway())).toMatchObject(unavailable('EPROTO'))
  await asSuperuser('ALTER SYSTEM RESET ssl_max_protocol_version')
  await reload()
})

test('a server that the CA has revoked is refused, and so is one on whom no fresh list speaks', async () => {
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  await presents(identity, 'reload')
  const under = async (options: Parameters<typeof revocationList>[1]) =>
    connection(gateway({ crl: await revocationList(authority, options) }))
  expect(await under({})).toEqual({ ssl: true, version: 'TLSv1.3' })
  expect(await under({ revoked: [identity] })).toMatchObject(unavailable('CERT_REVOKED'))
  expect(await under({ hours: -1 })).toMatchObject(unavailable('CRL_HAS_EXPIRED'))
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  expect(await connection(gateway({ crl: await revocationList(other) }))).toMatchObject(
    unavailable('UNABLE_TO_GET_CRL'),
  )
})

test('a pool that lives takes a new list at its next connection', async () => {
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  await presents(identity, 'reload')
  let config = gateway({ crl: await revocationList(authority) })
  const database = openDatabase(() => config, session)
  const boss = await openQueue(() => config, { poolSize: 1, onError: () => undefined })
  await database.ping()
  config = gateway({ crl: await revocationList(authority, { revoked: [identity] }) })
  await asSuperuser(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'sealpost_gateway'",
  )
  await expect
    .poll(() => database.ping().catch((error: unknown) => error))
    .toMatchObject(unavailable('CERT_REVOKED'))
  await expect(boss.getDb().executeSql('SELECT 1')).rejects.toMatchObject({ code: 'CERT_REVOKED' })
  await boss.stop({ graceful: false })
  await database.close()
})

test('a key that is not pinned is refused, though the CA vouches for it', async () => {
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  const spki = new X509Certificate(identity.certificate).publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(spki).digest('base64')
  await presents(identity, 'reload')
  const next = `${'A'.repeat(43)}=`
  expect(await connection(gateway({ pins: [next, pin] }))).toEqual({ ssl: true, version: 'TLSv1.3' })
  expect(await connection(gateway({ pins: [next] }))).toMatchObject(unavailable('KEY_NOT_PINNED'))
})

test('a certificate of another environment is refused', async () => {
  const identity = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  await presents(identity, 'reload')
  const foreign = [fingerprintOf(new X509Certificate(identity.certificate))]
  expect(await connection(gateway({ foreign }))).toMatchObject(unavailable('FOREIGN_CERTIFICATE'))
})

test('an exception lets PostgreSQL speak TLS 1.2 until its day, verified as ever, and never in clear', async () => {
  await presents(await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 }), 'reload')
  await asSuperuser("ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'")
  await reload()
  const tunnel = (days: number) => ({
    tunnel: { until: new Date(Date.now() + days * 86_400_000), reason: 'PostgreSQL 11 until its upgrade' },
  })
  expect(await connection(gateway(tunnel(1)))).toEqual({ ssl: true, version: 'TLSv1.2' })
  expect(await connection(gateway(tunnel(-1)))).toMatchObject(unavailable('EPROTO'))
  const other = await createAuthority({ commonName: 'another CA', days: 1 })
  expect(await connection(gateway({ ...tunnel(1), ca: other.certificate }))).toMatchObject(
    unavailable('SELF_SIGNED_CERT_IN_CHAIN'),
  )
  await asSuperuser('ALTER SYSTEM RESET ssl_max_protocol_version')
  await reload()
  const plain = await openProxy({ path: join(server.socketDirectory, '.s.PGSQL.5432') })
  expect(await connection(gateway({ ...tunnel(1), port: plain.port }))).toMatchObject({
    code: 'database_unavailable',
  })
  expect(Buffer.concat(plain.sent).toString('hex')).toBe('0000000804d2162f')
  plain.close()
})

test('a wrong password is database_unavailable, and its detail is the code alone', async () => {
  expect(await connection(gateway({ password: 'wrong' }))).toMatchObject(unavailable('28P01'))
})

test('tls-stripped: a server without TLS gets the request for TLS and not a byte more', async () => {
  // On its unix socket PostgreSQL answers a request for TLS with N.
  const plain = await openProxy({ path: join(server.socketDirectory, '.s.PGSQL.5432') })
  expect(await connection(gateway({ port: plain.port }))).toMatchObject({ code: 'database_unavailable' })
  expect(Buffer.concat(plain.sent).toString('hex')).toBe('0000000804d2162f')
  plain.close()
})

async function presents(identity: Identity, when?: 'reload'): Promise<void> {
  place('server.crt', identity.certificate)
  place('server.key', identity.key)
  if (when === 'reload') await reload()
}

function place(name: string, content: string): void {
  const file = join(server.directory, 'data', name)
  const { uid, gid } = statSync(join(server.directory, 'data'))
  writeFileSync(file, content)
  chmodSync(file, 0o600)
  chownSync(file, uid, gid)
}

/** Resolves once new connections are served by the new configuration. */
async function reload(): Promise<void> {
  const before = await loadTime()
  await asSuperuser('SELECT pg_reload_conf()')
  await vi.waitFor(async () => expect(await loadTime()).not.toBe(before), { timeout: 5_000, interval: 20 })
}

async function loadTime(): Promise<unknown> {
  const rows = await asSuperuser('SELECT extract(epoch FROM pg_conf_load_time())::text AS at')
  return rows[0]?.['at']
}

async function asSuperuser(statement: string): Promise<Record<string, unknown>[]> {
  const database = openDatabase(server.config('superuser'), session)
  try {
    const { rows } = await database.knex.raw<{ rows: Record<string, unknown>[] }>(statement)
    return rows
  } finally {
    await database.close()
  }
}

interface Proxy {
  readonly port: number
  readonly sent: Buffer[]
  close(): void
}

async function openProxy(target: NetConnectOpts): Promise<Proxy> {
  const sent: Buffer[] = []
  const listener: Server = createServer(client => {
    const upstream = connect(target)
    client.on('data', (bytes: Buffer) => sent.push(bytes))
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  return { port: (listener.address() as AddressInfo).port, sent, close: () => listener.close() }
}
