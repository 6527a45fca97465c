import { createHash, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStsFetch, type RouteReport } from '../../src/delivery/index.ts'
import { explainRule } from '../../src/delivery/route/find.ts'
import { openResolver, type Resolver, testResolver } from '../../src/platform/dns/index.ts'
import { peerGuard } from '../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { alone } from '../support/dns.ts'
import { ok, startWeb, type Web } from '../support/https-server.ts'
import { deliverBy } from '../support/sessions.ts'
import { type Sink, startSink } from '../support/smtp-sink.ts'
import { startUnbound, type Unbound, type Zone } from './unbound.ts'

const authority = await createAuthority({ commonName: 'Mail CA', days: 1 })
const names = { signed: ['mx.bank.test'], bogus: ['www.bogus.test'] }
const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
// Of nobody: what somebody who cannot sign puts into a zone.
const forged = '3 1 1 0000000000000000000000000000000000000000000000000000000000000000'

const opened = new AsyncDisposableStack()
let sink: Sink
let web: Web
let zones: readonly Zone[]
let unbound: Unbound
let dns: Resolver

beforeAll(async () => {
  const dnsNames = ['mx.bank.test', 'mx.plain.test', 'mx.half.test'] as const
  const identity = await issueServerCertificate(authority, { dnsNames, days: 1 })
  const { publicKey } = new X509Certificate(identity.certificate)
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
  sink = opened.adopt(await startSink(identity), used => used.stop())
  web = opened.adopt(
    await startWeb(
      await issueServerCertificate(authority, {
        dnsNames: ['mta-sts.plain.test', 'mta-sts.half.test'],
        days: 1,
      }),
      ({ host }) =>
        ok(
          `version: STSv1\nmode: enforce\nmx: mx.${host.split('.')[1] ?? ''}.test\nmax_age: 86400\n`,
          'Content-Type: text/plain',
        ),
    ),
    used => used.stop(),
  )
  const tlsa = `_${sink.port}._tcp.mx IN TLSA 3 1 1 ${spki}`
  const sts = ['_mta-sts IN TXT "v=STSv1; id=1;"', 'mta-sts IN A 127.0.0.1']
  const mail = ['@ IN MX 10 mx', 'mx IN A 127.0.0.1', tlsa]
  zones = [
    {
      name: 'bank.test',
      signed: true,
      records: [
        ...mail,
        'alias IN MX 10 away',
        'away IN CNAME mx.plain.test.',
        `_${sink.port}._tcp.away IN TLSA 3 1 1 ${spki}`,
        'alias2 IN MX 10 here',
        'here IN CNAME mx',
        'nobody IN MX 0 .',
        'bare IN A 127.0.0.1',
        ...Array.from({ length: 60 }, (_, at) => `large IN TXT "record number ${at} of many"`),
      ],
    },
    { name: 'plain.test', signed: false, records: [...mail, ...sts] },
    // Signed, and then changed by somebody who cannot sign.
    {
      name: 'bogus.test',
      signed: true,
      records: [...mail, 'www IN A 127.0.0.1'],
      tamper: text => text.replaceAll('127.0.0.1', '127.0.0.66'),
    },
    // Only the TLSA records were changed: whoever can do that wants MTA-STS, or nothing, to be used instead.
    {
      name: 'half.test',
      signed: true,
      records: [...mail, ...sts],
      tamper: text => text.replace(/3 1 1 [0-9a-f]{64}/i, forged),
    },
    { name: 'lame.test', signed: true, records: mail, lame: true },
  ]
  unbound = opened.use(await startUnbound(zones))
  dns = opened.adopt(await openResolver({ ...unbound, names }), used => used.close())
})
afterAll(() => opened.disposeAsync())

function explain(domain: string, resolver = dns): Promise<RouteReport> {
  return explainRule(
    {
      ...alone,
      knex: undefined,
      dns: resolver,
      mayConnect: peerGuard(loopback),
      fetchPolicy: openStsFetch({
        dns: resolver,
        ca: authority.certificate,
        allowedNetworks: loopback,
        port: web.port,
      }),
      random: () => 0,
      mxPort: sink.port,
    },
    domain,
    { mode: 'auto' },
  )
}

async function brief(domain: string, resolver = dns): Promise<unknown> {
  const { route } = await explain(domain, resolver)
  return route.ok
    ? route.candidates.map(candidate => ('proof' in candidate ? candidate.proof.level : candidate.outcome))
    : route.outcome
}

test('unbound proves itself', () => {
  expect(dns.validates).toBe(true)
})

describe('a domain', () => {
  test('that is signed is reached by DANE, and a mail arrives', async () => {
    const { route, findings } = await explain('bank.test')
    expect(findings?.mx).toMatchObject({ kind: 'found', secure: true })
    expect(route).toMatchObject({
      candidates: [
        { proof: { level: 'dane', names: ['mx.bank.test', 'bank.test'] }, addresses: ['127.0.0.1'] },
      ],
    })
    if (!route.ok) throw new Error('no route')
    // No CA is needed for it.
    expect(await deliverBy(route)).toMatchObject({ outcome: 'delivered' })
    expect(sink.mails).toHaveLength(1)
  })

  test('that is not signed is reached by MTA-STS, over HTTPS; its TLSA records are worth nothing', async () => {
    const { route, findings } = await explain('plain.test')
    expect(findings).toMatchObject({
      mx: { secure: false },
      hosts: [{ tlsa: { kind: 'not_asked', why: 'mx_insecure' } }],
      sts: { kind: 'policy', id: '1', mode: 'enforce' },
    })
    expect(await brief('plain.test')).toEqual(['mta_sts'])
    if (!route.ok) throw new Error('no route')
    expect(await deliverBy(route)).toMatchObject({ outcome: 'tls_certificate_untrusted' })
    expect(await deliverBy(route, { publicCa: authority.certificate })).toMatchObject({
      outcome: 'delivered',
    })
  })

  test('whose signatures are wrong is not reached', async () => {
    expect(await dns.addresses('mx.bogus.test')).toEqual({ kind: 'failed' })
    expect(await brief('bogus.test')).toEqual(['dns_failed'])
  })

  test('whose TLSA records somebody changed is not reached by MTA-STS instead', async () => {
    const { findings } = await explain('half.test')
    expect(findings).toMatchObject({
      sts: { kind: 'policy', mode: 'enforce' },
      hosts: [{ tlsa: { kind: 'failed' } }],
    })
    expect(await brief('half.test')).toEqual(['dns_failed'])
  })

  test('for which nobody answers (SERVFAIL) is deferred', async () => {
    const impatient = await openResolver({ ...unbound, names, timeout: 1000, tries: 2 })
    expect(await brief('lame.test', impatient)).toBe('dns_failed')
    impatient.close()
  })

  test('whose server is a signed alias into an unsigned zone has DANE at the alias', async () => {
    expect(await dns.addresses('away.bank.test')).toMatchObject({ secure: false, canonical: 'mx.plain.test' })
    expect((await explain('alias.bank.test')).route).toMatchObject({
      candidates: [{ proof: { level: 'dane', names: ['away.bank.test', 'alias.bank.test'] } }],
    })
  })

  test('whose server is an alias in a signed zone has DANE where it leads', async () => {
    expect((await explain('alias2.bank.test')).route).toMatchObject({
      candidates: [
        { host: { name: 'here.bank.test' }, proof: { names: ['mx.bank.test', 'alias2.bank.test'] } },
      ],
    })
  })

  test('that takes no mail, that has only an address, that is not there: each is told, proved', async () => {
    expect(await brief('nobody.bank.test')).toBe('domain_takes_no_mail')
    expect(await brief('bare.bank.test')).toEqual(['destination_not_authenticated'])
    expect(await dns.mx('bare.bank.test')).toEqual({ kind: 'none', secure: true, exists: true })
    expect(await dns.mx('absent.bank.test')).toEqual({ kind: 'none', secure: true, exists: false })
    expect(await dns.mx('absent.plain.test')).toEqual({ kind: 'none', secure: false, exists: false })
  })
})

test('an answer that is too large for a datagram comes whole', async () => {
  expect(await dns.txt('large.bank.test')).toMatchObject({
    kind: 'found',
    secure: true,
    records: { length: 60 },
  })
})

describe('an unbound', () => {
  test.each(['off', 'permissive'] as const)(
    'with validation %s is found out; DANE is off, MTA-STS stays',
    async validation => {
      await using lax = await startUnbound(zones, validation)
      expect(await testResolver(lax, names)).toEqual({ validates: false, reason: 'bogus_believed' })
      const resolver = await openResolver({ ...lax, names })
      try {
        expect(resolver.validates).toBe(false)
        expect(await resolver.mx('bank.test')).toMatchObject({ kind: 'found', secure: false })
        expect(await brief('bank.test', resolver)).toEqual(['destination_not_authenticated'])
        expect(await brief('plain.test', resolver)).toEqual(['mta_sts'])
      } finally {
        resolver.close()
      }
    },
  )

  test('that is gone is no reason to do with less', async () => {
    const brittle = await startUnbound(zones)
    const resolver = await openResolver({ ...brittle, names })
    expect(await brief('bank.test', resolver)).toEqual(['dane'])
    await brittle[Symbol.asyncDispose]()
    expect(resolver.validates).toBe(true)
    expect(await brief('bank.test', resolver)).toBe('dns_failed')
    expect(await brief('plain.test', resolver)).toBe('dns_failed')
    resolver.close()
  })
})
