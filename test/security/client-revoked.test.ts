import { X509Certificate } from 'node:crypto'
import { Agent, type RequestOptions } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { fingerprintOf } from '../../src/platform/tls/index.ts'
import { type House, openHouse } from '../support/house.ts'
import { send } from '../support/request.ts'
import { revocationList } from '../support/revocation-lists.ts'
import { createRevokingAuthority } from '../support/revoking-authority.ts'

let house: House
let foreigner: Identity
beforeAll(async () => {
  const elsewhere = await createAuthority({ commonName: 'test CA', days: 1 })
  foreigner = await issueServerCertificate(elsewhere, { dnsNames: ['localhost'], days: 1 })
  house = await openHouse({ roles: ['api'], foreignCertificates: [sha256(foreigner)] })
})
afterAll(() => house.close())

const sha256 = ({ certificate }: Identity): string => fingerprintOf(new X509Certificate(certificate))
const clientOf = (authority: Identity) =>
  issueClientCertificate(authority, { uri: 'urn:test:billing', days: 1 })
const newClient = () => issueClientCertificate(house.authority, { uri: 'urn:test:billing', days: 1 })

async function ask(client: Identity, options: RequestOptions = {}): Promise<number> {
  const { certificate: cert, key } = client
  const answer = await send(house, { path: '/v1/messages/x', cert, key, ...options })
  return answer.status
}

interface Event {
  readonly type: string
  readonly reason?: string
  readonly listener?: string
}

async function events(type: string): Promise<readonly Event[]> {
  const bodies = await house.owner('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')
  return bodies.map(body => JSON.parse(body) as Event)
}

/** Why clients were cut off. Each is logged; in the audit log, what comes again within a minute is counted. */
const cutOff = (): string[] =>
  house
    .log()
    .split('\n')
    .filter(line => line.includes('"client-refused"'))
    .map(line => (JSON.parse(line) as { reason: string }).reason)

/** A connection that is kept, and whether it still is. */
async function keepOpen(
  client: Identity,
): Promise<{ agent: Agent; ask: () => Promise<number>; sockets: () => number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const again = () => ask(client, { agent })
  expect(await again()).toBe(404)
  return { agent, ask: again, sockets: () => Object.values(agent.freeSockets).flat().length }
}

const files = (changes: object) => () => ({ ...house.secrets, ...changes })
const reload = async (changes: object) => house.gateway.reload(files(changes))

test('a revoked client is cut off without a restart, and nobody else', async () => {
  const [bad, good] = [await newClient(), await newClient()]
  const [badOpen, goodOpen] = [await keepOpen(bad), await keepOpen(good)]
  const before = cutOff().length
  expect(await reload({ clientCrl: await revocationList(house.authority, { revoked: [bad] }) })).toBe(true)

  await expect.poll(() => badOpen.sockets()).toBe(0)
  await expect(ask(bad)).rejects.toThrow()
  expect(goodOpen.sockets()).toBe(1)
  expect(await goodOpen.ask()).toBe(404)
  expect(await ask(good)).toBe(404)
  await expect.poll(() => cutOff().slice(before)).toEqual(['revoked_certificate', 'revoked_certificate'])
  // The second one is counted.
  await expect
    .poll(async () => (await events('client.refused')).map(({ reason }) => reason))
    .toEqual(['revoked_certificate'])
  expect(await events('tls.reloaded')).toMatchObject([{ listener: 'api' }])
  goodOpen.agent.destroy()
})

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'verdict-of-then-resumed: in %s no session comes back, each connection is judged anew',
  async version => {
    await reload({ clientCrl: undefined })
    const client = await newClient()
    const { session, answer } = await connection(client, { version })
    expect(answer).toContain('404')
    const again = await connection(client, { version, session })
    expect([again.resumed, again.answer.slice(0, 12)]).toEqual([false, answer.slice(0, 12)])
    await reload({ clientCrl: await revocationList(house.authority, { revoked: [client] }) })
    expect(await connection(client, { version, session })).toMatchObject({ resumed: false, answer: '' })
    // Where nobody shows a certificate, sessions may come back.
    const port = house.gateway.publicPort ?? 0
    const anonymous = await connection(undefined, { version, port })
    expect((await connection(undefined, { version, port, session: anonymous.session })).resumed).toBe(true)
  },
)

test.each([
  ['expired', { hours: -1 }, 'crl_expired'],
  ['not of its CA', { signer: 'another' as const }, 'crl_signature_wrong'],
])('a list that is %s is refused at a reload, and the old one stays', async (_, options, reason) => {
  const revoked = await newClient()
  await reload({ clientCrl: await revocationList(house.authority, { revoked: [revoked] }) })
  const signer =
    'signer' in options ? await createAuthority({ commonName: 'test CA', days: 1 }) : house.authority
  expect(await reload({ clientCrl: await revocationList(house.authority, { ...options, signer }) })).toBe(
    false,
  )
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'api', reason })
  await expect(ask(revoked)).rejects.toThrow()
  expect(await ask(await newClient())).toBe(404)
})

test('a list that ends while it is in use lets nobody in, and the gateway is not ready', async () => {
  // Two seconds: the reload takes it, then it ends.
  expect(await reload({ clientCrl: await revocationList(house.authority, { hours: 2 / 3600 }) })).toBe(true)
  const client = await newClient()
  await expect.poll(() => ask(client).catch(() => 'refused'), { timeout: 10_000 }).toBe('refused')
  await expect
    .poll(async () => (await events('client.refused')).at(-1)?.reason, { timeout: 10_000 })
    .toBe('revocation_unknown')
  expect((await send({ ...house, port: house.gateway.opsPort }, { path: '/readyz' })).status).toBe(503)
  expect(await reload({ clientCrl: undefined })).toBe(true)
  expect(await ask(client)).toBe(404)
  const ready = await send({ ...house, port: house.gateway.opsPort }, { path: '/readyz' })
  expect(ready.status).toBe(200)
  // Its certificates, made for one day, end in less than a fortnight.
  expect(JSON.parse(ready.text)).toMatchObject({
    warnings: ['certificate_ends_soon', 'public_certificate_ends_soon', 'client_ca_ends_soon'],
  })
})

test('a CA that is taken out takes its clients with it', async () => {
  const next = await createAuthority({ commonName: 'next CA', days: 1 })
  const both = `${house.authority.certificate}${next.certificate}`
  expect(await reload({ clientCa: both })).toBe(true)
  const old = await keepOpen(await newClient())
  const fresh = await issueClientCertificate(next, { uri: 'urn:test:billing', days: 1 })
  const open = await keepOpen(fresh)
  expect(await reload({ clientCa: next.certificate })).toBe(true)
  await expect.poll(() => old.sockets()).toBe(0)
  expect(await open.ask()).toBe(404)
  open.agent.destroy()
  await reload({})
})

test('a list for one of two CAs is not enough', async () => {
  const next = await createAuthority({ commonName: 'next CA', days: 1 })
  const clientCa = `${house.authority.certificate}${next.certificate}`
  expect(await reload({ clientCa, clientCrl: await revocationList(house.authority) })).toBe(false)
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ reason: 'crl_missing' })
  const lists = (await revocationList(house.authority)) + (await revocationList(next))
  expect(await reload({ clientCa, clientCrl: lists })).toBe(true)
  expect(await ask(await newClient())).toBe(404)
  await reload({})
})

test('a CA below the root: its clients go by its own list, and with it when the root revokes it', async () => {
  const root = await createRevokingAuthority('root')
  const below = (await root.issue({ name: 'below', authority: true })).pem
  const own = {
    certificate: root.certificate.toString(),
    key: root.key.export({ type: 'pkcs8', format: 'pem' }),
  }
  const [one, two] = [await clientOf(below), await clientOf(below)]
  const clientCa = `${own.certificate}\n${below.certificate}`
  const lists = async (byRoot: readonly Identity[], byBelow: readonly Identity[]) =>
    `${await revocationList(own, { revoked: byRoot })}${await revocationList(below, { revoked: byBelow })}`

  // Sent along by the client, it needs not be listed, as long as no lists are asked for.
  expect(await reload({ clientCa: own.certificate })).toBe(true)
  const sent = await keepOpen({ ...one, certificate: `${one.certificate}${below.certificate}` })
  await expect(ask(one)).rejects.toThrow()
  expect(await reload({ clientCa, clientCrl: await lists([], []) })).toBe(true)
  expect(await sent.ask()).toBe(404)
  const open = await keepOpen(two)
  expect(await reload({ clientCa, clientCrl: await lists([], [one]) })).toBe(true)
  await expect.poll(() => sent.sockets()).toBe(0)
  await expect(ask(one)).rejects.toThrow()
  expect(await open.ask()).toBe(404)
  expect(await reload({ clientCa, clientCrl: await lists([below], []) })).toBe(true)
  await expect.poll(() => open.sockets()).toBe(0)
  await expect(ask(two)).rejects.toThrow()
  await expect.poll(() => cutOff().at(-1)).toBe('revoked_certificate')
  await reload({})
})

test('a new certificate is shown at the next handshake, while connections go on', async () => {
  const open = await keepOpen(await newClient())
  const renewed = await issueServerCertificate(house.authority, { dnsNames: ['localhost'], days: 1 })
  expect(await reload({ certificate: renewed.certificate, key: renewed.key })).toBe(true)
  expect(await open.ask()).toBe(404)
  expect((await connection(await newClient())).shown).toBe(sha256(renewed))
  expect((await events('tls.reloaded')).slice(-3).map(({ listener }) => listener)).toEqual([
    'api',
    'console',
    'ops',
  ])
  open.agent.destroy()
  await reload({})
})

test.each([
  [
    'with the key of another',
    async () => ({ ...(await server()), key: (await server()).key }),
    'key_of_another_certificate',
  ],
  ['that has ended', async () => server(-1), 'certificate_expired'],
  ['for clients', () => newClient(), 'certificate_without_names'],
  ['that is none', () => Promise.resolve({ certificate: 'x', key: 'x' }), 'certificate_unreadable'],
  ['of another environment', () => Promise.resolve(foreigner), 'foreign_certificate'],
])('a certificate %s is refused at a reload, audited, and the old one goes on', async (_, make, reason) => {
  const { certificate, key } = await make()
  expect(await reload({ certificate, key })).toBe(false)
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'api', reason })
  expect(await reload({ publicIdentity: { certificate, key } })).toBe(false)
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'public', reason })
  expect((await connection(await newClient())).shown).toBe(sha256(house.serverIdentity))
  expect(await ask(await newClient())).toBe(404)
})

test('what PostgreSQL is reached with is judged and recorded like the rest', async () => {
  const pair = await newClient()
  const database = {
    kind: 'tls',
    host: 'db.test',
    port: 5432,
    database: 'sealpost',
    user: 'sealpost_gateway',
    ca: house.authority.certificate,
    clientCertificate: pair.certificate,
    clientKey: pair.key,
  } as const
  for (const [changes, reason] of [
    [{ clientKey: (await newClient()).key }, 'key_of_another_certificate'],
    [{ clientCertificate: (await server(-1)).certificate }, 'certificate_expired'],
    [{ crl: await revocationList(house.authority, { hours: -1 }) }, 'crl_expired'],
    [{ ca: foreigner.certificate }, 'foreign_certificate'],
  ] as const) {
    expect(await reload({ database: { ...database, ...changes } })).toBe(false)
    expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'database', reason })
  }
  expect(await reload({ publicCa: foreigner.certificate })).toBe(false)
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'outgoing' })
  expect(await reload({ database })).toBe(true)
  expect((await events('tls.reloaded')).at(-1)).toMatchObject({ listener: 'database' })
  await reload({})
})

test('files that cannot be read change nothing', async () => {
  const unreadable = (): never => {
    throw new Error('EACCES')
  }
  expect(await house.gateway.reload(unreadable)).toBe(false)
  expect((await events('tls.reload.refused')).at(-1)).toMatchObject({ listener: 'all', reason: 'unreadable' })
  expect(await ask(await newClient())).toBe(404)
})

test("another environment's client is refused, though our CA made its certificate", async () => {
  const client = await newClient()
  const other = await openHouse({ roles: ['api'], foreignCertificates: [sha256(client)] })
  const trusting = { clientCa: house.authority.certificate }
  expect(await other.gateway.reload(() => ({ ...other.secrets, ...trusting }))).toBe(true)
  const answer = send(other, { path: '/v1/messages/x', cert: client.certificate, key: client.key })
  await expect(answer).rejects.toThrow()
  const bodies = () => other.owner('audit_events').where({ type: 'client.refused' }).pluck<string[]>('body')
  await expect.poll(async () => (await bodies()).join()).toContain('foreign_certificate')
  await other.close()
})

const server = (days = 1) => issueServerCertificate(house.authority, { dnsNames: ['localhost'], days })

interface Seen {
  readonly resumed: boolean
  readonly session: Buffer | undefined
  readonly shown: string | undefined
  readonly answer: string
}

interface Asked {
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
  readonly session?: Buffer | undefined
  readonly port?: number
}

/** One connection that asks once: in TLS 1.3 a client that is refused learns so only from the missing answer. */
function connection(
  client: Identity | undefined,
  { version = 'TLSv1.3', session, port = house.port }: Asked = {},
): Promise<Seen> {
  return new Promise(resolve => {
    let answer = ''
    let kept: Buffer | undefined
    let shown: string | undefined
    let resumed = false
    const socket: TLSSocket = connect({
      host: 'localhost',
      servername: 'localhost',
      port,
      ca: house.authority.certificate,
      minVersion: version,
      maxVersion: version,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      ...(session === undefined ? {} : { session }),
    })
    socket.on('session', (given: Buffer) => {
      kept = given
    })
    socket.on('secureConnect', () => {
      resumed = socket.isSessionReused()
      const peer = socket.getPeerX509Certificate()
      shown = peer && fingerprintOf(peer)
      socket.write('GET /v1/messages/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    })
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve({ resumed: resumed && answer !== '', session: kept, shown, answer }))
  })
}
