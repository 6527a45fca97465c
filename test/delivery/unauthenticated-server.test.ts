import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, type SecureContextOptions } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { oddCertificate } from '../support/odd-certificates.ts'
import { authority, deliver, identity, open, rule, secretWords } from '../support/sessions.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

const other = await createAuthority({ commonName: 'Mail CA', days: 1 })
const serverName = (name: string, by: Identity = authority): Promise<Identity> =>
  issueServerCertificate(by, { dnsNames: [name], days: 1 })
const spkiOf = ({ certificate }: Identity): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

/** A server that takes TLS and then agrees to everything. */
async function start(tls: 'starttls' | 'implicit', options: SecureContextOptions): Promise<HostileServer> {
  server = await startHostile(identity, async client => {
    if (tls === 'starttls') {
      client.send('220 mx.test\r\n')
      await client.line()
      client.send('250-mx.test\r\n250 STARTTLS\r\n')
      await client.line()
      client.send('220 go\r\n')
    }
    await client.startTls(options)
    if (tls === 'implicit') client.send('220 mx.test\r\n')
    let content = false
    for (let line = await client.line(); line !== undefined; line = await client.line()) {
      if (content && line !== '.') continue
      content = line === 'DATA'
      client.send(content ? '354 go on\r\n' : '250 fine\r\n')
    }
  })
  return server
}

const presents = ({ certificate: cert, key }: Identity): SecureContextOptions => ({ cert, key })
interface Pins {
  ca?: string
  spkiSha256?: string[]
}
const byCa: Pins = { ca: authority.certificate }
const self = await createAuthority({ commonName: 'mx.test', days: 1 })

const weak: Record<string, SecureContextOptions> = {
  'speaks TLS 1.1 at most': { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
  'has no suite with forward secrecy': {
    ...presents(await oddCertificate.rsa(authority, 'mx.test')),
    maxVersion: 'TLSv1.2',
    ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0',
  },
  'has only suites without AEAD': { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0' },
}

const refusals: Record<string, { outcome: string; options: SecureContextOptions; pins?: Pins }> = {
  'signed itself': { outcome: 'tls_certificate_untrusted', options: presents(self) },
  'comes from another CA of the same name': {
    outcome: 'tls_certificate_untrusted',
    options: presents(await serverName('mx.test', other)),
  },
  'bears another name': { outcome: 'tls_name_mismatch', options: presents(await serverName('mx.bank.test')) },
  'bears its name only as the common name': {
    outcome: 'tls_name_mismatch',
    options: presents(await oddCertificate.commonNameOnly(authority, 'mx.test')),
  },
  'bears a partial wildcard': {
    outcome: 'tls_name_mismatch',
    options: presents(await oddCertificate.pattern(authority, 'm*.test')),
  },
  'expired yesterday': {
    outcome: 'tls_certificate_expired',
    options: presents(await oddCertificate.expired(authority, 'mx.test')),
  },
  'is a client certificate': {
    outcome: 'tls_certificate_untrusted',
    options: presents(await oddCertificate.clientUsage(authority, 'mx.test')),
  },
  'has not the pinned key, though the CA vouches': {
    outcome: 'tls_pin_mismatch',
    options: {},
    pins: { ...byCa, spkiSha256: [spkiOf(other)] },
  },
  'has not the pinned key': {
    outcome: 'tls_pin_mismatch',
    options: {},
    pins: { spkiSha256: [spkiOf(other)] },
  },
  'has the pinned key and another name': {
    outcome: 'tls_name_mismatch',
    options: presents(await serverName('evil.test')),
    pins: { spkiSha256: [] },
  },
  'has the pinned key and expired': {
    outcome: 'tls_certificate_expired',
    options: presents(await oddCertificate.expired(authority, 'mx.test')),
    pins: { spkiSha256: [] },
  },
  ...Object.fromEntries(
    Object.entries(weak).map(([name, options]) => [name, { outcome: 'tls_handshake_failed', options }]),
  ),
}

describe.each(['starttls', 'implicit'] as const)('over %s nothing is said to a server that', tls => {
  test.each(Object.entries(refusals))('%s', async (_name, { outcome, options, pins = byCa }) => {
    const { port } = await start(tls, options)
    // An empty list stands for the key that the server shows.
    const shown = { certificate: String(options.cert ?? identity.certificate), key: '' }
    const asked = pins.spkiSha256?.length === 0 ? { spkiSha256: [spkiOf(shown)] } : pins
    expect(await deliver(rule(port, asked, tls))).toMatchObject({ outcome })
    expect(server?.secret()).toBe('')
    expect(server?.clear()).not.toMatch(secretWords)
  })

  test('does not exist: the same server with the right certificate is sent the mail', async () => {
    const { port } = await start(tls, {})
    expect(await deliver(rule(port, byCa, tls))).toMatchObject({ outcome: 'delivered' })
    expect(await deliver(rule(port, { spkiSha256: [spkiOf(identity)] }, tls))).toMatchObject({
      outcome: 'delivered',
    })
    expect(await deliver(rule(port, { ...byCa, spkiSha256: [spkiOf(identity)] }, tls))).toMatchObject({
      outcome: 'delivered',
    })
    expect(server?.secret()).toMatch(/BEGIN PGP MESSAGE/)
    expect(server?.clear()).not.toMatch(secretWords)
  })
})

test.each(Object.entries(weak))('a lax client would speak to the server that %s', async (_name, options) => {
  const { port } = await start('implicit', options)
  const lax = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0', rejectUnauthorized: false } as const
  const socket = connect({ port, host: '127.0.0.1', ...lax })
  const [greeting] = (await once(socket, 'data')) as [Buffer]
  expect(greeting.toString()).toBe('220 mx.test\r\n')
  socket.destroy()
})

test('a secure destination is trusted by public CAs only, which a private one is not', async () => {
  const { port } = await start('implicit', {})
  const secure = { mode: 'secure' as const, hosts: [{ name: 'mx.test', port, tls: 'implicit' as const }] }
  expect(await deliver(secure)).toMatchObject({ outcome: 'tls_certificate_untrusted' })
  expect(await deliver(secure, undefined, { publicCa: authority.certificate })).toMatchObject({
    outcome: 'delivered',
  })
})

test('the hybrid post-quantum group is offered first, and the evidence names what was negotiated', async () => {
  const { port } = await start('starttls', {})
  const opening = await open(rule(port))
  expect(opening).toMatchObject({
    ok: true,
    session: {
      evidence: {
        rule: 'pinned',
        version: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        group: 'X25519MLKEM768',
        certificateSha256: new X509Certificate(identity.certificate).fingerprint256
          .replaceAll(':', '')
          .toLowerCase(),
      },
    },
  })
  if (opening.ok) opening.session.close()
})

test('a server with TLS 1.2 and forward secrecy is good enough', async () => {
  const { port } = await start('starttls', { maxVersion: 'TLSv1.2' })
  expect(await deliver(rule(port))).toMatchObject({ outcome: 'delivered' })
})
