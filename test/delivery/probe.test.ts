import { X509Certificate } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Proof } from '../../src/delivery/route/route.ts'
import { probeRoute } from '../../src/delivery/smtp/probe.ts'
import { createAuthority } from '../../src/platform/pki/index.ts'
import { order, spkiOf } from '../support/mail-certificates.ts'
import { authority, identity, patiently, routeTo } from '../support/sessions.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

let server: HostileServer | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function start(
  offer = '250-mx.test\r\n250-SIZE 1000\r\n250-DSN\r\n250 REQUIRETLS\r\n',
): Promise<number> {
  server = await startHostile(identity, async client => {
    await client.startTls()
    client.send('220 mx.test\r\n')
    await client.line()
    client.send(offer)
    while ((await client.line()) !== undefined) client.send('221 bye\r\n')
  })
  return server.port
}

const pinned: Proof = { level: 'pinned', pins: { ca: authority.certificate } }
const implicit = { tls: 'implicit' } as const
const digest = ({ certificate }: { certificate: string }): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()

describe('a probe', () => {
  test('says all that comes before a mail, and QUIT', async () => {
    const port = await start()
    expect(await probeRoute(routeTo(port, pinned, { ...implicit, requireTls: 'must' }), patiently)).toEqual([
      {
        host: 'mx.test',
        address: '127.0.0.1',
        port,
        result: {
          ok: true,
          spkiSha256: spkiOf(identity),
          extensions: { pipelining: false, size: 1000, dsn: true, requireTls: true, auth: [] },
          evidence: {
            rule: 'pinned',
            asked: 'auto',
            version: 'TLSv1.3',
            cipher: 'TLS_AES_256_GCM_SHA384',
            group: 'X25519MLKEM768',
            certificateSha256: digest(identity),
            chainSha256: [digest(identity)],
            revocation: 'unknown',
            requireTls: true,
          },
        },
      },
    ])
    await expect.poll(() => server?.secret()).toBe('EHLO gateway.test\r\nQUIT\r\n')
  })

  test('shows what the server showed, when that is not good enough', async () => {
    const other = await createAuthority({ commonName: 'Other', days: 1 })
    const own = await order(other, { names: ['mx.test', 'mx2.test'] })
    server = await startHostile(own, client => client.startTls())
    const route = routeTo(server.port, pinned, implicit)
    const { validFromDate, validToDate } = new X509Certificate(own.certificate)
    expect(await probeRoute(route, patiently)).toMatchObject([
      {
        result: {
          ok: false,
          outcome: 'tls_certificate_untrusted',
          reply: null,
          shown: {
            version: 'TLSv1.3',
            group: 'X25519MLKEM768',
            names: 'DNS:mx.test, DNS:mx2.test',
            notBefore: validFromDate.toISOString(),
            notAfter: validToDate.toISOString(),
            spkiSha256: spkiOf(own),
            chainSha256: [digest(own)],
          },
        },
      },
    ])
    expect(server.secret()).toBe('')
  })

  test('gives a reply as inert text, and no more than a line of it', async () => {
    const port = await start(`554-<script>\r\n554 card 4111 1111 1111 1111 ${'x'.repeat(600)}\r\n`)
    const [probed] = await probeRoute(routeTo(port, pinned, implicit), patiently)
    expect(probed?.result).toMatchObject({ ok: false, outcome: 'server_refused', shown: null })
    const reply = probed?.result.ok === false ? probed.result.reply : ''
    expect(reply).toMatch(/^554 <script> card [^\n]*$/)
    expect(reply).not.toContain('4111')
    expect(reply?.length).toBeLessThanOrEqual(512)
  })

  test('names each server, also one that is not even tried', async () => {
    const port = await start()
    const route = routeTo(port, pinned, implicit)
    const away = { name: 'mx0.test', port: 25, tls: 'starttls' } as const
    const candidates = [{ host: away, outcome: 'dns_failed' }, ...route.candidates] as const
    expect(await probeRoute({ ...route, candidates }, patiently)).toMatchObject([
      { host: 'mx0.test', address: null, result: { ok: false, outcome: 'dns_failed' } },
      { host: 'mx.test', result: { ok: true } },
    ])
  })

  test('tells of an attack', async () => {
    server = await startHostile(identity, async client => {
      client.send('220 mx\r\n')
      await client.line()
      client.send('250-mx\r\n250 STARTTLS\r\n')
      await client.line()
      client.send('220 go\r\n250 injected\r\n')
    })
    const attacks: unknown[] = []
    const onAttack = (attack: unknown): Promise<void> => {
      attacks.push(attack)
      return Promise.resolve()
    }
    const route = routeTo(server.port, pinned)
    expect(await probeRoute(route, { ...patiently, onAttack })).toMatchObject([
      { result: { outcome: 'starttls_injection' } },
    ])
    expect(attacks).toEqual([{ kind: 'starttls_injection', host: 'mx.test', address: '127.0.0.1' }])
  })
})
