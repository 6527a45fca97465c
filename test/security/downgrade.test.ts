import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatabaseConfig } from '../../src/config/index.ts'
import { openStsFetch } from '../../src/delivery/index.ts'
import { openFetcher } from '../../src/platform/https/index.ts'
import { openDatabase, openQueue } from '../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { openSignedFetch } from '../../src/platform/revocation/index.ts'
import { hostsAt } from '../support/dns.ts'
import { oddCertificate } from '../support/odd-certificates.ts'

// Every way out but SMTP (test/delivery/hostile-matrix.test.ts), at servers that are not what was asked for.

const name = 'peer.test'
let authority: Identity
let other: Identity
beforeAll(async () => {
  authority = await createAuthority({ commonName: 'the CA', days: 1 })
  other = await createAuthority({ commonName: 'another CA', days: 1 })
})

type Shown = (names: [string, ...string[]]) => Promise<SecureContextOptions & { readonly plain?: true }>

const issued =
  (by: () => Identity, days = 1): Shown =>
  async dnsNames =>
    of(await issueServerCertificate(by(), { dnsNames, days }))
const of = ({ certificate: cert, key }: Identity) => ({ cert, key })
const weak = '@SECLEVEL=0'

/** What a server shows instead of the right thing. */
const servers: Record<string, Shown> = {
  'speaks no TLS': () => Promise.resolve({ plain: true }),
  'has a certificate of another CA': issued(() => other),
  'has a certificate for another name': async () => issued(() => authority)(['other.test']),
  'has a certificate that has ended': issued(() => authority, -1),
  'has its name in the common name only': async ([first]) =>
    of(await oddCertificate.commonNameOnly(authority, first)),
  'has a certificate for clients': async ([first]) => of(await oddCertificate.clientUsage(authority, first)),
  'is self-signed': async ([first]) => of(await createAuthority({ commonName: first, days: 1 })),
  'speaks TLS 1.1 at most': async names => ({
    ...(await issued(() => authority)(names)),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: `ALL:${weak}`,
  }),
  'has no suite with forward secrecy': async ([first]) => ({
    ...of(await oddCertificate.rsa(authority, first)),
    maxVersion: 'TLSv1.2',
    ciphers: `AES256-GCM-SHA384:AES128-SHA:${weak}`,
  }),
}

interface Peer {
  readonly port: number
  /** What came that was meant for a server: inside TLS, or in clear beside the start of TLS. */
  readonly heard: Buffer[]
}

const running: { close(): void }[] = []
afterAll(() => {
  for (const server of running) server.close()
})

/** @param greet what to answer to the octets that ask for TLS, where a protocol does; and in clear, that there is none */
async function startPeer(
  shown: Awaited<ReturnType<Shown>>,
  greet?: { tls: string; plain: string },
): Promise<Peer> {
  const heard: Buffer[] = []
  const sockets = new Set<Socket>()
  const inTls = (socket: Socket): void => {
    const secure = new TLSSocket(socket, { ...shown, isServer: true })
    secure.on('error', () => undefined)
    secure.on('data', (bytes: Buffer) => heard.push(bytes))
  }
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (greet === undefined && shown.plain === undefined) {
      inTls(socket)
      return
    }
    let first = greet !== undefined
    socket.on('data', (bytes: Buffer) => {
      if (first) {
        first = false
        expect(bytes.toString('hex')).toBe('0000000804d2162f') // SSLRequest, and nothing with it
        socket.write(shown.plain === undefined ? (greet?.tls ?? '') : (greet?.plain ?? ''))
        if (shown.plain === undefined) {
          socket.removeAllListeners('data')
          inTls(socket)
        }
        return
      }
      // The start of a handshake that nobody here understands is no secret; anything else is.
      if (bytes[0] !== 0x16 || bytes[1] !== 3) heard.push(bytes)
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  running.push({
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  return { port: (server.address() as AddressInfo).port, heard }
}

/** True when what was asked for came about. */
type Attempt = (port: number) => Promise<boolean>
const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
const lookup = () => Promise.resolve(['127.0.0.1'])
const postgres = { tls: 'S', plain: 'N' }
const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 1 }
const database = (port: number): DatabaseConfig => ({
  kind: 'tls',
  host: 'localhost',
  port,
  database: 'sealpost',
  user: 'sealpost_gateway',
  password: 'the password',
  ca: authority.certificate,
})

const clients: Record<
  string,
  { readonly names: [string, ...string[]]; readonly greet?: typeof postgres; readonly attempt: Attempt }
> = {
  'PostgreSQL, the pool': {
    names: ['localhost'],
    greet: postgres,
    async attempt(port) {
      const pool = openDatabase(database(port), session)
      return pool
        .ping()
        .then(
          () => true,
          () => false,
        )
        .finally(() => pool.close())
    },
  },
  'PostgreSQL, the queue': {
    names: ['localhost'],
    greet: postgres,
    attempt: port =>
      openQueue(database(port), { poolSize: 1, onError: () => undefined }).then(
        () => true,
        () => false,
      ),
  },
  'WKD and VKS': {
    names: [name],
    async attempt(port) {
      const fetcher = openFetcher({
        ca: authority.certificate,
        allowedNetworks: loopback,
        lookup,
        port,
        deadline: 5_000,
      })
      return (await fetcher.get(new URL(`https://${name}/.well-known/openpgpkey/x`))).ok
    },
  },
  'MTA-STS': {
    names: [`mta-sts.${name}`],
    async attempt(port) {
      const fetchPolicy = openStsFetch({
        dns: hostsAt(lookup),
        ca: authority.certificate,
        allowedNetworks: loopback,
        port,
      })
      return (await fetchPolicy(name, 'id1')).ok
    },
  },
}

describe.each(Object.entries(clients))('%s', (_client, { names, greet, attempt }) => {
  test.each(Object.entries(servers))(
    'a server that %s: refused, and not a byte for it',
    async (_server, shown) => {
      const peer = await startPeer(await shown(names), greet)
      expect(await attempt(peer.port)).toBe(false)
      expect(Buffer.concat(peer.heard).toString('latin1')).toBe('')
    },
  )

  test('the right server is spoken to', async () => {
    const peer = await startPeer(await issued(() => authority)(names), greet)
    const asked = attempt(peer.port)
    await expect.poll(() => Buffer.concat(peer.heard).length).toBeGreaterThan(0)
    for (const server of running.splice(0)) server.close()
    await asked
  })
})

test('lists and responses of CAs may come in clear: the one documented exception, without credentials', async () => {
  const { port, heard } = await startPeer({ plain: true })
  const fetchSigned = openSignedFetch({ allowedNetworks: loopback, lookup, deadline: 2_000 })
  await fetchSigned(new URL(`http://${name}:${port}/list.crl`))
  const asked = Buffer.concat(heard).toString('latin1')
  expect(asked).toMatch(/^GET \/list\.crl HTTP\/1\.1\r\n/)
  expect(asked).not.toMatch(/authorization|cookie|referer/i)
})
