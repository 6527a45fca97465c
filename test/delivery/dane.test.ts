import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createSecureContext, createServer, type SecureContextOptions } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import type { Proof } from '../../src/delivery/route/route.ts'
import { judgeHandshake } from '../../src/delivery/tls-verdict.ts'
import { isUsable, matchAnchors, matchEndEntity } from '../../src/delivery/verdict/dane.ts'
import type { TlsaRecord } from '../../src/platform/dns/index.ts'
import type { Identity } from '../../src/platform/pki/index.ts'
import { newKey, order, tlsaFor } from '../support/mail-certificates.ts'
import { deliverBy, openRoute, routeTo } from '../support/sessions.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

const root = await order(undefined, { commonName: 'Root', authority: true })
const middleKey = newKey()
const middle = await order(root, { commonName: 'Middle', authority: true, key: middleKey })
const leaf = await order(middle, { names: ['mx.test'] })
const stranger = await order(undefined, { names: ['mx.test'] })
const certificateOf = ({ certificate }: Identity): X509Certificate => new X509Certificate(certificate)

const kinds = [0, 1].flatMap(selector => [0, 1, 2].map(matchingType => [selector, matchingType] as const))
/** Another byte at the end. */
const altered = (record: TlsaRecord): TlsaRecord => ({
  ...record,
  data: record.data.replace(/.$/, digit => (digit === '0' ? '1' : '0')),
})

describe('a TLSA record', () => {
  test.each(kinds)('3 %i %i fits the certificate of the server and no other', (selector, matchingType) => {
    const record = tlsaFor(leaf, 3, selector, matchingType)
    expect(isUsable(record)).toBe(true)
    expect(matchEndEntity([record], certificateOf(leaf))).toBe(record)
    expect(matchEndEntity([record], certificateOf(stranger))).toBeUndefined()
    expect(matchEndEntity([altered(record)], certificateOf(leaf))).toBeUndefined()
    // It says nothing of a CA.
    expect(matchAnchors([record], [certificateOf(leaf)])).toEqual([])
  })
  test.each(kinds)('2 %i %i fits the certificate of the CA and no other', (selector, matchingType) => {
    const record = tlsaFor(middle, 2, selector, matchingType)
    const chain = [certificateOf(middle), certificateOf(root)]
    expect(matchAnchors([record], chain)).toEqual([{ record, certificate: chain[0] }])
    expect(matchAnchors([altered(record)], chain)).toEqual([])
    // It says nothing of a server's own key.
    expect(matchEndEntity([record], certificateOf(middle))).toBeUndefined()
  })
  const sound = tlsaFor(leaf, 3, 1, 1)
  const unusable: Record<string, Partial<TlsaRecord>> = {
    'of usage PKIX-TA(0)': { usage: 0 },
    'of usage PKIX-EE(1)': { usage: 1 },
    'of a private usage': { usage: 255 },
    'of an unknown selector': { selector: 2 },
    'of an unknown matching type': { matchingType: 3 },
    'with a digest that is too short': { data: sound.data.slice(2) },
    'with a digest that is too long': { data: `${sound.data}00` },
    'with a digest of the other length': { matchingType: 2 },
    'without data': { data: '' },
    'with half a byte': { data: sound.data.slice(1) },
    'with data that is no public key': { matchingType: 0 },
    'with data that is no certificate': { selector: 0, matchingType: 0 },
    'with more than a certificate': { ...tlsaFor(leaf, 3, 0, 0), data: `${tlsaFor(leaf, 3, 0, 0).data}00` },
    'of a class that Object.prototype knows': { matchingType: 'constructor' as unknown as number },
  }
  test.each(Object.entries(unusable))('%s is as if it were not there', (_name, change) => {
    const record = { ...sound, ...change }
    expect(isUsable(record)).toBe(false)
    expect(matchEndEntity([record], certificateOf(leaf))).toBeUndefined()
    expect(matchEndEntity([record, sound], certificateOf(leaf))).toBe(sound)
  })
})

const now = new Date()
const facts = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', group: 'X25519MLKEM768' }
const dane = (...tlsa: TlsaRecord[]): Extract<Proof, { level: 'dane' }> => ({
  level: 'dane',
  tlsa,
  names: ['mx.test', 'bank.test'],
})

test('with DANE-EE neither name nor dates nor issuer count, but the strength of TLS does', async () => {
  const odd = await order(undefined, { names: ['other.test'], to: -1000 })
  const shown = { ...facts, chain: [certificateOf(odd)], chainError: 'CERT_HAS_EXPIRED' }
  const proof = dane(tlsaFor(odd, 3, 1, 2))
  expect(judgeHandshake(proof, 'mx.test', shown, now)).toMatchObject({ ok: true })
  expect(judgeHandshake(proof, 'mx.test', { ...shown, protocol: 'TLSv1.1' }, now)).toEqual({
    ok: false,
    outcome: 'tls_too_weak',
  })
})

test('with DANE-TA path, dates and a name of the proof count, by our clock too', () => {
  const anchor = tlsaFor(root, 2, 0, 1)
  const proof = dane(anchor)
  const shown = { ...facts, chain: [leaf, middle, root].map(certificateOf), chainError: undefined, anchor }
  expect(judgeHandshake(proof, 'mx.test', shown, now)).toMatchObject({ ok: true })
  const outcome = (changed: object, at = now, by = proof) => {
    const verdict = judgeHandshake(by, 'mx.test', { ...shown, ...changed }, at)
    return verdict.ok ? 'ok' : verdict.outcome
  }
  expect(outcome({ anchor: undefined })).toBe('tls_dane_mismatch')
  expect(outcome({ chainError: 'UNABLE_TO_GET_ISSUER_CERT' })).toBe('tls_certificate_untrusted')
  expect(outcome({}, new Date(now.getTime() + 30 * 86_400_000))).toBe('tls_certificate_expired')
  expect(outcome({}, now, { ...proof, names: ['bank.test'] })).toBe('tls_name_mismatch')
  expect(outcome({}, now, { ...proof, names: ['no.test'] })).toBe('tls_name_mismatch')
})

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

/** A server that shows these certificates, the first its own. `change` exchanges them. */
async function start(...chain: Identity[]) {
  let shown = chain
  let handshakes = 0
  server = await startHostile(leaf, async client => {
    handshakes++
    const options: SecureContextOptions = {
      key: shown[0]!.key,
      cert: shown.map(({ certificate }) => certificate).join(''),
    }
    await client.startTls(options)
    client.send('220 mx.test\r\n')
    let content = false
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (content && line !== '.') continue
      content = line === 'DATA'
      client.send(content ? '354 go on\r\n' : '250 fine\r\n')
    }
  })
  return {
    port: server.port,
    count: () => handshakes,
    change: (...next: Identity[]) => {
      shown = next
    },
  }
}

const send = async (port: number, proof: Proof): Promise<string> =>
  (await deliverBy(routeTo(port, proof, { tls: 'implicit' }))).outcome

describe('over a real connection', () => {
  test.each(kinds)('DANE-EE 3 %i %i authenticates a server that no CA knows', async (selector, type) => {
    const { port } = await start(stranger)
    const record = tlsaFor(stranger, 3, selector, type)
    expect(await send(port, dane(record))).toBe('delivered')
    expect(await send(port, dane(altered(record)))).toBe('tls_dane_mismatch')
  })

  test.each(kinds)(
    'DANE-TA 2 %i %i authenticates what the CA in the middle issued',
    async (selector, type) => {
      const { port, change } = await start(leaf, middle, root)
      const proof = dane(tlsaFor(middle, 2, selector, type))
      expect(await send(port, proof)).toBe('delivered')
      change(leaf, middle)
      expect(await send(port, proof)).toBe('delivered')
      change(stranger, middle)
      expect(await send(port, proof)).toBe('tls_certificate_untrusted')
      expect(server?.secret().match(/BEGIN PGP/g)).toHaveLength(2)
    },
  )

  test('a CA that stands whole in DNS need not be sent; any other must be, also by a server that once sent it', async () => {
    const { port, change } = await start(leaf, middle)
    expect(await send(port, dane(tlsaFor(root, 2, 0, 0)))).toBe('delivered')
    expect(await send(port, dane(tlsaFor(root, 2, 0, 1)))).toBe('tls_dane_mismatch')
    change(leaf, middle, root)
    expect(await send(port, dane(tlsaFor(root, 2, 0, 1)))).toBe('delivered')
    change(leaf, middle)
    expect(await send(port, dane(tlsaFor(root, 2, 0, 1)))).toBe('tls_dane_mismatch')
  })

  test('a CA that is only named like the one in DNS, or is no CA, certifies nobody', async () => {
    const fake = await order(undefined, { commonName: 'Middle', authority: true })
    const byFake = await order(fake, { names: ['mx.test'] })
    const { port, change } = await start(byFake, middle, root)
    expect(await send(port, dane(tlsaFor(middle, 2, 1, 1)))).toBe('tls_certificate_untrusted')
    const noAuthority = await order(middle, { commonName: 'No CA' })
    change(await order(noAuthority, { names: ['mx.test'] }), noAuthority, middle)
    expect(await send(port, dane(tlsaFor(noAuthority, 2, 1, 1)))).toBe('tls_certificate_untrusted')
    expect(server?.secret()).toBe('')
  })

  test('any record of several suffices: keys and CAs roll over', async () => {
    const next = await order(undefined, { names: ['mx.test'] })
    const { port, change } = await start(stranger)
    const proof = dane(tlsaFor(next, 3, 1, 1), tlsaFor(stranger, 3, 1, 1), tlsaFor(middle, 2, 1, 1))
    expect(await send(port, proof)).toBe('delivered')
    change(next)
    expect(await send(port, proof)).toBe('delivered')
    change(leaf, middle)
    expect(await send(port, proof)).toBe('delivered')
    change(await order(undefined, { names: ['mx.test'] }))
    expect(await send(port, proof)).toBe('tls_dane_mismatch')
  })

  test('the CA is learnt once, and again when it renews its certificate for the same key', async () => {
    const { port, count, change } = await start(leaf, middle)
    const key = newKey()
    const old = await order(root, { commonName: 'Renewed', authority: true, key, to: 60_000 })
    const own = await order(old, { names: ['mx.test'] })
    const proof = dane(tlsaFor(old, 2, 1, 1))
    change(own, old)
    expect([await send(port, proof), count()]).toEqual(['delivered', 2])
    expect([await send(port, proof), count()]).toEqual(['delivered', 3])
    change(own, await order(root, { commonName: 'Renewed', authority: true, key }))
    expect([await send(port, proof), count()]).toEqual(['delivered', 6])
    expect([await send(port, proof), count()]).toEqual(['delivered', 7])
  })

  test('a server behind an alias is asked for the name at which its records stand', async () => {
    const asked: string[] = []
    const aliased = createServer({
      SNICallback: (name, done) => {
        asked.push(name)
        done(null, createSecureContext({ cert: stranger.certificate, key: stranger.key }))
      },
    })
    aliased.on('tlsClientError', () => undefined)
    aliased.listen(0, '127.0.0.1')
    await once(aliased, 'listening')
    const proof: Proof = { ...dane(tlsaFor(leaf, 3, 1, 1)), names: ['real.hoster.test', 'bank.test'] }
    expect(await send((aliased.address() as AddressInfo).port, proof)).toBe('tls_dane_mismatch')
    aliased.close()
    expect(asked).toEqual(['real.hoster.test'])
  })

  test('the evidence names the record, the chain as it was sent, and that nobody can revoke it', async () => {
    const { port } = await start(leaf, middle)
    const record = tlsaFor(middle, 2, 0, 2)
    const opening = await openRoute(routeTo(port, dane(record), { tls: 'implicit' }))
    if (!opening.ok) throw new Error(opening.outcome)
    opening.session.close()
    const digest = (identity: Identity): string =>
      certificateOf(identity).fingerprint256.replaceAll(':', '').toLowerCase()
    expect(opening.session.evidence).toEqual({
      rule: 'dane',
      asked: 'auto',
      version: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      group: 'X25519MLKEM768',
      certificateSha256: digest(leaf),
      chainSha256: [digest(leaf), digest(middle)],
      tlsa: `2 0 2 ${record.data.slice(0, 64)}`,
      revocation: 'not_applicable',
      requireTls: false,
    })
  })
})
