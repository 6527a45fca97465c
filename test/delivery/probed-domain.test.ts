import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type DestinationRule,
  parseDestinationRule,
  probeFindings,
  standardPolicy,
} from '../../src/delivery/index.ts'
import { probeDestination } from '../../src/delivery/probe/probe.ts'
import { explainRule } from '../../src/delivery/route/find.ts'
import type { Relay } from '../../src/delivery/route/relay.ts'
import { systemClock } from '../../src/kernel/index.ts'
import type { Dns, DnsAnswer } from '../../src/platform/dns/index.ts'
import { peerGuard } from '../../src/platform/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import { alone, fixedDns } from '../support/dns.ts'
import { spkiOf, tlsaFor } from '../support/mail-certificates.ts'
import { type HostileServer, startHostile } from '../support/smtp-sink.ts'

const domain = 'bank.test'
const host = 'mx.bank.test'

interface World {
  readonly dns: Dns
  readonly server: HostileServer
  readonly given?: DestinationRule
  readonly stored?: DestinationRule
  readonly policy?: Parameters<typeof probeDestination>[0]['policy']
  readonly sts?: 'enforce' | 'testing'
  readonly relay?: Relay
}

let publicCa: Identity
let known: Identity
let unknown: Identity
const running: HostileServer[] = []
let good: HostileServer
beforeAll(async () => {
  publicCa = await createAuthority({ commonName: 'Public CA', days: 1 })
  known = await issueServerCertificate(publicCa, { dnsNames: [host], days: 1 })
  const other = await createAuthority({ commonName: 'Their own CA', days: 1 })
  unknown = await issueServerCertificate(other, { dnsNames: [host], days: 1 })
})
beforeEach(async () => {
  good = await serving(known)
})
afterAll(() => Promise.all(running.map(server => server.stop())))

/** A server of few words: everything up to the first mail, which it would answer, too. */
async function serving(identity: Identity, offer = 'STARTTLS'): Promise<HostileServer> {
  const server = await startHostile(identity, async client => {
    client.send('220 mx ESMTP\r\n')
    for (;;) {
      const line = await client.line()
      if (line === undefined) return
      if (line.startsWith('EHLO'))
        client.send(`250-mx\r\n250-SIZE 1000\r\n250-REQUIRETLS\r\n250 ${offer}\r\n`)
      else if (line === 'STARTTLS') {
        client.send('220 go\r\n')
        await client.startTls()
      } else client.send('250 ok\r\n')
    }
  })
  running.push(server)
  return server
}

const found = <Of>(secure: boolean, ...records: readonly Of[]): Promise<DnsAnswer<Of>> =>
  Promise.resolve({ kind: 'found', secure, records, canonical: host })
const plain = (answers: Partial<Dns> = {}) =>
  fixedDns({
    mx: () => found(false, { preference: 10, host }),
    addresses: () => found(false, '127.0.0.1'),
    ...answers,
  })
const signed = (server: Pick<Identity, 'certificate'>) =>
  plain({
    validates: true,
    mx: () => found(true, { preference: 10, host }),
    addresses: () => found(true, '127.0.0.1'),
    tlsa: () => found(true, tlsaFor(server, 3, 1, 1)),
  })

const probe = ({ dns, server, given, stored, policy = 'unknown', sts, relay }: World) =>
  probeDestination(
    {
      policy,
      mxPort: server.port,
      channel: {
        clock: systemClock,
        mailHost: 'gateway.test',
        publicCa: publicCa.certificate,
        limits: standardPolicy.limits,
      },
      explain: (name, rule) =>
        explainRule(
          {
            ...alone,
            knex: undefined,
            dns: sts === undefined ? dns : { ...dns, txt: () => found(false, 'v=STSv1; id=1;') },
            mayConnect: peerGuard([{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }]),
            fetchPolicy: () =>
              Promise.resolve({ ok: true, policy: { mode: sts ?? 'none', mx: [host], maxAge: 86_400 } }),
            random: () => 0,
            relay,
            mxPort: server.port,
          },
          name,
          rule ?? stored,
        ),
    },
    domain,
    given,
  )
const verdictOf = async (world: World) => (await probe(world)).verdict
const pinnedTo = (server: HostileServer, spkiSha256: readonly string[]): DestinationRule => ({
  mode: 'pinned',
  hosts: [{ name: host, port: server.port, tls: 'starttls' }],
  pins: { spkiSha256: [...spkiSha256] },
})

describe('mail can go', () => {
  test('by DANE, which auto would use; nothing of a mail is said', async () => {
    const done = await probe({ dns: signed(known), server: good })
    expect(done).toMatchObject({
      ruleIs: 'assumed',
      rule: { mode: 'auto' },
      servers: [
        {
          host,
          result: { ok: true, extensions: { size: 1000, requireTls: true }, spkiSha256: spkiOf(known) },
        },
      ],
      shown: [],
      verdict: {
        ok: true,
        level: 'dane',
        outcome: null,
        summary: `Mail can go: auto would use DANE for ${host}.`,
      },
    })
    expect(done.verdict.advice.join()).toContain(`sealpost destination set ${domain}`)
    expect(good.clear()).toBe('EHLO gateway.test\r\nSTARTTLS\r\n')
    await expect.poll(() => good.secret()).toBe('EHLO gateway.test\r\nQUIT\r\n')
  })

  test('by MTA-STS where there is no DANE, once the rule is stored', async () => {
    const verdict = await verdictOf({ dns: plain(), server: good, sts: 'enforce', stored: { mode: 'auto' } })
    expect(verdict).toMatchObject({ ok: true, level: 'mta_sts', advice: [], rules: [] })
  })

  test('by a rule that is given, whatever DNS says of the domain', async () => {
    const server = await serving(unknown)
    const given = pinnedTo(server, [spkiOf(unknown)])
    expect(await verdictOf({ dns: plain(), server, given })).toMatchObject({ ok: true, level: 'pinned' })
  })
})

describe('mail cannot go, and what to do', () => {
  test('neither DANE nor MTA-STS: ask for either, or pin by a rule that would do', async () => {
    for (const identity of [known, unknown]) {
      const server = await serving(identity)
      const verdict = await verdictOf({ dns: plain({ validates: true }), server })
      expect(verdict).toMatchObject({ ok: false, outcome: 'destination_not_authenticated' })
      expect(verdict.advice.join('\n')).toMatch(/TLSA.*\n.*MTA-STS policy in mode enforce/)
      expect(verdict.rules).toEqual([pinnedTo(server, [spkiOf(identity)])])
      const given = parseDestinationRule(JSON.stringify(verdict.rules[0]))
      expect(await verdictOf({ dns: plain(), server, given })).toMatchObject({ ok: true, level: 'pinned' })
      expect(server.clear()).not.toContain('MAIL')
      expect(server.secret()).not.toContain('MAIL')
    }
  })

  test('an MTA-STS policy that is only being tested', async () => {
    const verdict = await verdictOf({ dns: plain(), server: good, sts: 'testing' })
    expect(verdict.ok).toBe(false)
    expect(verdict.advice.join()).toContain('in mode testing')
  })

  test('our own resolver proves nothing', async () => {
    expect((await verdictOf({ dns: plain(), server: good })).advice[0]).toContain('SEALPOST_DNS_RESOLVER')
  })

  test('a floor of DANE leaves MTA-STS out, and is told so', async () => {
    const dns = plain({ validates: true })
    const verdict = await verdictOf({
      dns,
      server: good,
      sts: 'enforce',
      stored: { mode: 'auto', floor: 'dane' },
    })
    expect(verdict).toMatchObject({ ok: false, outcome: 'destination_below_floor' })
    expect(verdict.advice.join()).not.toContain('MTA-STS')
  })

  test('another key than TLSA records name: nothing weaker is offered for it', async () => {
    const server = await serving(unknown)
    const verdict = await verdictOf({ dns: signed(known), server, sts: 'enforce' })
    expect(verdict).toMatchObject({ ok: false, outcome: 'tls_dane_mismatch', rules: [] })
    expect(verdict.advice).toHaveLength(1)
    expect(verdict.advice[0]).toContain(spkiOf(unknown))
  })

  test('another key than the rule pins: which one, and the rule with both', async () => {
    const stored = pinnedTo(good, [spkiOf(unknown)])
    const verdict = await verdictOf({ dns: plain(), server: good, stored })
    expect(verdict).toMatchObject({ ok: false, outcome: 'tls_pin_mismatch' })
    expect(verdict.rules).toEqual([pinnedTo(good, [spkiOf(known), spkiOf(unknown)])])
  })

  test('a certificate for another name: which, and no rule that could not work', async () => {
    const elsewhere = await issueServerCertificate(publicCa, { dnsNames: ['mail.hoster.test'], days: 1 })
    const done = await probe({ dns: plain(), server: await serving(elsewhere) })
    expect(done.verdict.rules).toEqual([])
    expect(done.shown).toMatchObject([
      { result: { ok: false, outcome: 'tls_name_mismatch', shown: { names: 'DNS:mail.hoster.test' } } },
    ])
  })

  test('by our own relay, or not: then its rule is the one to change, and not the domain\u2019s', async () => {
    const rule = pinnedTo(good, [spkiOf(known)]) as Relay['rule']
    const relay: Relay = { rule, credentials: undefined }
    const stored = pinnedTo(good, [spkiOf(unknown)])
    expect(await verdictOf({ dns: plain(), server: good, stored, relay })).toMatchObject({
      ok: true,
      summary: `Mail can go: our relay ${host} proved itself by the pins of the rule.`,
    })
    const server = await serving(unknown)
    const other: Relay = {
      rule: { ...rule, hosts: [{ name: host, port: server.port, tls: 'starttls' }] },
      credentials: undefined,
    }
    const elsewhere = pinnedTo(good, [spkiOf(known)])
    const verdict = await verdictOf({ dns: plain(), server, stored: elsewhere, relay: other })
    expect(verdict).toMatchObject({ ok: false, outcome: 'tls_pin_mismatch', rules: [] })
    expect(verdict.advice.join()).toContain('SEALPOST_RELAY_RULE_FILE')
  })

  test('no STARTTLS', async () => {
    const server = await serving(known, 'HELP')
    const verdict = await verdictOf({ dns: signed(known), server })
    expect(verdict).toMatchObject({ ok: false, outcome: 'tls_not_offered', rules: [] })
    expect(server.clear()).toBe('EHLO gateway.test\r\n')
  })

  test('the crypto policy wants more than the rule gives, or there is none', async () => {
    const given: DestinationRule = {
      mode: 'secure',
      hosts: [{ name: host, port: good.port, tls: 'starttls' }],
    }
    const strict = { minTls: 'TLSv1.3', floor: 'mta_sts', revocation: 'when_known' } as const
    const world = { dns: plain(), server: good, given }
    expect(await verdictOf(world)).toMatchObject({ ok: true, level: 'secure' })
    expect(await verdictOf({ ...world, policy: strict })).toMatchObject({
      ok: false,
      outcome: 'destination_below_floor',
    })
    expect(await verdictOf({ ...world, policy: 'none' })).toMatchObject({
      ok: false,
      outcome: 'sending_not_approved',
    })
  })

  test.each([
    ['DNS that fails', { kind: 'failed' }, 'dns_failed', /bogus/],
    ['no such domain', { kind: 'none', secure: false, exists: false }, 'dns_failed', /no domain/],
    [
      'the null MX',
      { kind: 'found', secure: false, canonical: domain, records: [{ preference: 0, host: '' }] },
      'domain_takes_no_mail',
      /takes no mail/,
    ],
  ] as const)('%s', async (_name, mx, outcome, words) => {
    const verdict = await verdictOf({ dns: plain({ mx: () => Promise.resolve(mx) }), server: good })
    expect(verdict).toMatchObject({ ok: false, outcome, rules: [] })
    expect(verdict.advice.join()).toMatch(words)
    expect(good.clear()).toBe('')
  })
})

describe('what was found, line by line', () => {
  const linesOf = async (world: World) => probeFindings(await probe(world)).join('\n')

  test('DNS, policy, server, channel and offers', async () => {
    const text = await linesOf({ dns: signed(known), server: good, sts: 'enforce' })
    expect(text).toContain('bank.test: auto (no rule is stored; this is what auto would do)')
    expect(text).toContain(`MX (proved by DNSSEC): ${host}`)
    expect(text).toMatch(/TLSA: 3 1 1 [0-9a-f]{64}\n/)
    expect(text).toMatch(/MTA-STS: enforce, id 1, for mx\.bank\.test, until 20/)
    expect(text).toMatch(/127\.0\.0\.1:\d+: authenticated \(dane 3 1 1 [0-9a-f]{1,64}\)/)
    expect(text).toContain('offers REQUIRETLS, SIZE 1000')
    expect(text).toContain(`key (SPKI SHA-256) ${spkiOf(known)}`)
  })

  test('what is missing, and what a server shows that nothing authenticates', async () => {
    const text = await linesOf({ dns: plain(), server: await serving(unknown) })
    expect(text).toContain('DANE is off')
    expect(text).toContain('TLSA: not asked for, the MX records are not proved')
    expect(text).toContain('MTA-STS: none')
    expect(text).toContain(`${host}: destination_not_authenticated`)
    expect(text).toContain('although nothing says that they are the ones')
    expect(text).toContain(`key (SPKI SHA-256) ${spkiOf(unknown)}`)
  })
})
