import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Proof } from '../../src/delivery/route/route.ts'
import { systemClock } from '../../src/kernel/index.ts'
import type { Identity } from '../../src/platform/pki/index.ts'
import { openRevocation, type Revocation, type RevocationCheck } from '../../src/platform/revocation/index.ts'
import { newKey, order, spkiOf, tlsaFor } from '../support/mail-certificates.ts'
import { createRevokingAuthority, type RevokingAuthority } from '../support/revoking-authority.ts'
import { deliverBy, openRoute, routeTo } from '../support/sessions.ts'

let servers: Server[] = []
const raw = new Set<Socket>()
afterEach(async () => {
  for (const tcp of raw) tcp.destroy()
  raw.clear()
  for (const server of servers) await new Promise(resolve => server.close(resolve))
  servers = []
})

/** A server over implicit TLS that agrees to everything, and staples what it is given. Everything inside TLS is noted. */
async function start(
  cert: string,
  key: string,
  staple?: Buffer,
): Promise<{ port: number; said: () => string; hangUp: () => void }> {
  let said = ''
  const server = createServer({ cert, key }, socket => {
    socket.on('error', () => undefined)
    socket.write('220 mx.test\r\n')
    let content = false
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
      for (const line of bytes.toString('latin1').split('\r\n').slice(0, -1)) {
        if (content && line !== '.') continue
        content = line === 'DATA'
        socket.write(content ? '354 go on\r\n' : '250 fine\r\n')
      }
    })
  })
  server.on('tlsClientError', () => undefined).on('connection', (tcp: Socket) => raw.add(tcp))
  if (staple !== undefined)
    server.on('OCSPRequest', (_certificate, _issuer, done: (error: null, response: Buffer) => void) =>
      done(null, staple),
    )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  servers.push(server)
  return {
    port: (server.address() as AddressInfo).port,
    said: () => said,
    hangUp: () => {
      for (const tcp of raw) tcp.resetAndDestroy()
    },
  }
}

const secure = { level: 'secure' } as const
const implicit = { tls: 'implicit' } as const

describe('by the stapled response of its CA', () => {
  let ca: RevokingAuthority
  let server: Awaited<ReturnType<RevokingAuthority['issue']>>
  const check = openRevocation({
    clock: systemClock,
    fetch: () => Promise.resolve(undefined),
    store: { find: () => Promise.resolve(undefined), keep: () => Promise.resolve() },
  })
  beforeAll(async () => {
    ca = await createRevokingAuthority()
    server = await ca.issue({ name: 'mx.test', responder: 'http://ocsp.test/' })
  })
  const settings = () => ({ publicCa: ca.certificate.toString(), revocation: check })

  test.each(['good', 'revoked'] as const)('a server is %s', async status => {
    const staple = ca.response(server.certificate, { status })
    const { port, said } = await start(server.pem.certificate, server.pem.key, staple)
    const opening = await openRoute(routeTo(port, secure, implicit), settings())
    if (status === 'revoked') {
      expect(opening).toMatchObject({ ok: false, outcome: 'tls_certificate_revoked' })
      expect(said()).toBe('')
    } else {
      expect(opening).toMatchObject({ ok: true, session: { evidence: { revocation: 'good' } } })
      if (opening.ok) opening.session.close()
    }
  })
  test('that is not there, a server is stale, which the evidence says', async () => {
    const { port } = await start(server.pem.certificate, server.pem.key)
    const opening = await openRoute(routeTo(port, secure, implicit), settings())
    expect(opening).toMatchObject({ ok: true, session: { evidence: { revocation: 'stale' } } })
    if (opening.ok) opening.session.close()
  })
})

describe('what is asked of the check', () => {
  let root: Identity
  let middle: Identity
  let leaf: Identity
  const key = newKey()
  beforeAll(async () => {
    root = await order(undefined, { commonName: 'Root', authority: true })
    middle = await order(root, { commonName: 'Middle', authority: true })
    leaf = await order(middle, { names: ['mx.test'], key })
  })
  const digest = ({ certificate }: Identity): string => new X509Certificate(certificate).fingerprint256

  /** A check that answers by certificate, and notes what it was asked. */
  const answering = (answers: ReadonlyMap<string, Revocation['status']> = new Map()) => {
    const asked: string[][] = []
    const check: RevocationCheck = (certificate, issuer) => {
      asked.push([certificate.fingerprint256, issuer.fingerprint256])
      return Promise.resolve({ status: answers.get(certificate.fingerprint256) ?? 'unknown', source: null })
    }
    return { asked, check }
  }
  const pem = (...chain: Identity[]): string => chain.map(({ certificate }) => certificate).join('')

  test.each([
    ['with', true],
    ['without', false],
  ])('is every certificate of the path, %s the root in what the server sent', async (_name, sent) => {
    const { port } = await start(pem(leaf, middle, ...(sent ? [root] : [])), key)
    const { asked, check } = answering()
    const settings = { publicCa: root.certificate, revocation: check }
    const opening = await openRoute(routeTo(port, secure, implicit), settings)
    expect(opening).toMatchObject({ ok: true, session: { evidence: { revocation: 'unknown' } } })
    if (opening.ok) opening.session.close()
    expect(asked).toEqual([
      [digest(leaf), digest(middle)],
      [digest(middle), digest(root)],
    ])
  })

  test('a CA in the middle that was revoked takes what it issued with it', async () => {
    const { port, said } = await start(pem(leaf, middle), key)
    const { check } = answering(new Map([[digest(middle), 'revoked']]))
    const settings = { publicCa: root.certificate, revocation: check }
    expect(await deliverBy(routeTo(port, secure, implicit), settings)).toMatchObject({
      outcome: 'tls_certificate_revoked',
    })
    expect(said()).toBe('')
  })

  test('an "issuer" that only bears the names of the issuer is not asked about', async () => {
    // Who has a stolen, revoked certificate would have such a one sign an answer that all is well.
    const fake = await order(undefined, { commonName: 'Root', authority: true, keyNamedLike: root })
    const own = await order(root, { names: ['mx.test'], key })
    const { port } = await start(pem(own, fake), key)
    const { asked, check } = answering()
    await deliverBy(routeTo(port, secure, implicit), { publicCa: root.certificate, revocation: check })
    expect(asked).toEqual([[digest(own), digest(root)]])
  })

  test('and a certificate with the CA’s own key, but signed by a stranger, hides nothing', async () => {
    const { key: middleKey } = middle
    const stranger = await order(undefined, { commonName: 'Root', authority: true })
    const fake = await order(stranger, { commonName: 'Middle', authority: true, key: middleKey, to: -1000 })
    const { port } = await start(pem(leaf, fake, middle), key)
    const { check } = answering(new Map([[digest(middle), 'revoked']]))
    expect(
      await deliverBy(routeTo(port, secure, implicit), { publicCa: root.certificate, revocation: check }),
    ).toMatchObject({ outcome: 'tls_certificate_revoked' })
  })

  test('nothing, where a key is trusted and no CA: DANE, a pinned key, a pinned certificate that signed itself', async () => {
    const self = await order(undefined, { names: ['mx.test'], key })
    const { port } = await start(pem(self), key)
    const proofs: Proof[] = [
      { level: 'dane', tlsa: [tlsaFor(self, 3, 1, 1)], names: ['mx.test'] },
      { level: 'pinned', pins: { spkiSha256: [spkiOf(self)] } },
      { level: 'pinned', pins: { ca: self.certificate } },
    ]
    for (const proof of proofs) {
      const { asked, check } = answering(new Map([[digest(self), 'revoked']]))
      const opening = await openRoute(routeTo(port, proof, implicit), { revocation: check })
      expect(opening).toMatchObject({ ok: true, session: { evidence: { revocation: 'not_applicable' } } })
      if (opening.ok) opening.session.close()
      expect(asked).toEqual([])
    }
  })

  test('and an answer that does not come in time is a stale one', async () => {
    const { port } = await start(pem(leaf, middle), key)
    const opening = await openRoute(routeTo(port, secure, implicit), {
      publicCa: root.certificate,
      revocation: () => new Promise(() => undefined),
      limits: { connect: 10_000, reply: 500, opening: 20_000, transaction: 10_000, bytesPerSecond: 1e6 },
    })
    expect(opening).toMatchObject({ ok: true, session: { evidence: { revocation: 'stale' } } })
    if (opening.ok) opening.session.close()
  })

  test('a server that hangs up meanwhile is not waited for', async () => {
    const { port, hangUp } = await start(pem(leaf, middle), key)
    const begin = performance.now()
    const opening = await openRoute(routeTo(port, secure, implicit), {
      publicCa: root.certificate,
      revocation: async () => {
        hangUp()
        await new Promise(resolve => setTimeout(resolve, 200))
        return { status: 'good', source: 'ocsp' }
      },
    })
    expect(opening).toMatchObject({ ok: false, outcome: 'connection_lost' })
    expect(performance.now() - begin).toBeLessThan(9000)
  })
})
