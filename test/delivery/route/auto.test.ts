import { describe, expect, test } from 'vitest'
import { parseDestinationRule, type RouteDependencies } from '../../../src/delivery/index.ts'
import { isHostName } from '../../../src/delivery/route/auto/host-name.ts'
import { explainRule } from '../../../src/delivery/route/find.ts'
import { peerGuard } from '../../../src/platform/index.ts'
import { alone } from '../../support/dns.ts'
import { dnsOf, failed, insecure, mx, none, secure, tlsa, unknown, type Zones } from '../../support/zones.ts'

const auto = { mode: 'auto' } as const
const enforce = { mode: 'enforce', mx: ['*.bank.test'], maxAge: 86_400 } as const
const announced = { 'TXT _mta-sts.bank.test': insecure('v=STSv1; id=a1;') }

const dane: Zones = {
  'MX bank.test': secure(mx(10, 'mx.bank.test')),
  'A mx.bank.test': secure('9.9.9.9'),
  'TLSA _25._tcp.mx.bank.test': secure(tlsa('ab')),
}
const unsigned: Zones = {
  'MX bank.test': insecure(mx(10, 'mx.bank.test')),
  'A mx.bank.test': insecure('9.9.9.9'),
}

type Settings = Partial<RouteDependencies> & {
  readonly policy?: Awaited<ReturnType<RouteDependencies['fetchPolicy']>>
}

function explain(zones: Zones, rule: Parameters<typeof explainRule>[2] = auto, settings: Settings = {}) {
  const { policy = { ok: false, failure: 'name_unknown' }, ...rest } = settings
  const dependencies: RouteDependencies = {
    ...alone,
    knex: undefined,
    dns: dnsOf(zones),
    mayConnect: peerGuard([]),
    fetchPolicy: () => Promise.resolve(policy),
    random: () => 0,
    ...rest,
  }
  return explainRule(dependencies, 'bank.test', rule)
}

async function route(...question: Parameters<typeof explain>) {
  return (await explain(...question)).route
}

/** Each server and the level of its proof, or its outcome; or the outcome of the whole. */
async function brief(...question: Parameters<typeof explain>): Promise<readonly string[] | string> {
  const found = await route(...question)
  if (!found.ok) return found.outcome
  return found.candidates.map(
    candidate => `${candidate.host.name} ${'proof' in candidate ? candidate.proof.level : candidate.outcome}`,
  )
}

const withPolicy = { policy: { ok: true, policy: enforce } } as const

describe('DANE (RFC 7672)', () => {
  test('is the proof where DNSSEC proves MX, addresses and TLSA', async () => {
    expect(await route(dane)).toEqual({
      ok: true,
      asked: 'auto',
      requireTls: undefined,
      limits: undefined,
      candidates: [
        {
          host: { name: 'mx.bank.test', port: 25, tls: 'starttls' },
          addresses: ['9.9.9.9'],
          proof: { level: 'dane', tlsa: [tlsa('ab')], names: ['mx.bank.test', 'bank.test'] },
        },
      ],
    })
  })

  test('comes before MTA-STS, also of a server that the policy does not name', async () => {
    expect(await brief({ ...dane, ...announced }, auto, withPolicy)).toEqual(['mx.bank.test dane'])
    const other = { ok: true, policy: { ...enforce, mx: ['other.test'] } } as const
    expect(await brief({ ...dane, ...announced }, auto, { policy: other })).toEqual(['mx.bank.test dane'])
  })

  test.each<[string, Zones]>([
    ['MX', { 'MX bank.test': insecure(mx(10, 'mx.bank.test')) }],
    ['addresses', { 'A mx.bank.test': insecure('9.9.9.9') }],
    ['TLSA', { 'TLSA _25._tcp.mx.bank.test': insecure(tlsa('ab')) }],
  ])('is not there when %s are not proved; then MTA-STS or nobody', async (_name, change) => {
    expect(await brief({ ...dane, ...change })).toEqual(['mx.bank.test destination_not_authenticated'])
    expect(await brief({ ...dane, ...change, ...announced }, auto, withPolicy)).toEqual([
      'mx.bank.test mta_sts',
    ])
  })

  test('does not ask an unsigned zone for TLSA: what it answers, or that it fails, means nothing', async () => {
    const dns = dnsOf({ ...unsigned, ...announced, 'TLSA _25._tcp.mx.bank.test': failed })
    expect(await brief({}, auto, { ...withPolicy, dns })).toEqual(['mx.bank.test mta_sts'])
    expect(dns.asked.filter(question => question.startsWith('TLSA'))).toEqual([])
  })

  test('TLSA that fail (bogus, SERVFAIL) end this server’s turn: never MTA-STS instead', async () => {
    const attacked = { ...dane, ...announced, 'TLSA _25._tcp.mx.bank.test': failed }
    expect(await brief(attacked, auto, withPolicy)).toEqual(['mx.bank.test dns_failed'])
  })

  test('only usable records count; none usable is as if there were none', async () => {
    const odd = [
      tlsa('ab', { usage: 1 }),
      tlsa('ab', { selector: 2 }),
      tlsa('ab', { matchingType: 9 }),
      tlsa('ab', { data: 'ab' }),
    ]
    const some = { ...dane, 'TLSA _25._tcp.mx.bank.test': secure(...odd, tlsa('cd')) }
    expect(await route(some)).toMatchObject({
      candidates: [{ proof: { level: 'dane', tlsa: [tlsa('cd')] } }],
    })
    const useless = { ...dane, 'TLSA _25._tcp.mx.bank.test': secure(...odd) }
    expect(await brief(useless)).toEqual(['mx.bank.test destination_not_authenticated'])
    expect((await explain(useless)).findings?.hosts[0]?.tlsa).toEqual({
      kind: 'found',
      base: 'mx.bank.test',
      usable: [],
      unusable: odd,
    })
  })

  test('looks where the alias of a server leads first, then at its own name', async () => {
    const aliased: Zones = {
      ...dane,
      'A mx.bank.test': { ...secure('9.9.9.9'), canonical: 'mail.host.test' },
      'TLSA _25._tcp.mail.host.test': secure(tlsa('cd')),
    }
    expect(await route(aliased)).toMatchObject({
      candidates: [
        {
          host: { name: 'mx.bank.test' },
          proof: { tlsa: [tlsa('cd')], names: ['mail.host.test', 'bank.test'] },
        },
      ],
    })
    const own = { ...aliased, 'TLSA _25._tcp.mail.host.test': none(true) }
    expect(await route(own)).toMatchObject({
      candidates: [{ proof: { tlsa: [tlsa('ab')], names: ['mx.bank.test', 'bank.test'] } }],
    })
    const attacked = { ...aliased, ...announced, 'TLSA _25._tcp.mail.host.test': failed }
    expect(await brief(attacked, auto, withPolicy)).toEqual(['mx.bank.test dns_failed'])
  })

  test('a signed alias into an unsigned zone has its records at its own name', async () => {
    const hosted: Zones = {
      ...dane,
      'A mx.bank.test': { ...insecure('9.9.9.9'), canonical: 'mail.host.test' },
      'CNAME mx.bank.test': secure('mail.host.test'),
      'TLSA _25._tcp.mail.host.test': insecure(tlsa('ee')),
    }
    expect(await route(hosted)).toMatchObject({ candidates: [{ proof: { tlsa: [tlsa('ab')] } }] })
    expect(await brief({ ...hosted, 'CNAME mx.bank.test': insecure('mail.host.test') })).toEqual([
      'mx.bank.test destination_not_authenticated',
    ])
    const attacked = { ...hosted, ...announced, 'CNAME mx.bank.test': failed }
    expect(await brief(attacked, auto, withPolicy)).toEqual(['mx.bank.test dns_failed'])
  })

  test('accepts the domain’s name and where its own alias leads, too', async () => {
    const aliased: Zones = {
      ...dane,
      'MX bank.test': { ...secure(mx(10, 'mx.bank.test')), canonical: 'real.test' },
    }
    expect(await route(aliased)).toMatchObject({
      candidates: [{ proof: { names: ['mx.bank.test', 'bank.test', 'real.test'] } }],
    })
  })

  test('asks for the port that is connected to', async () => {
    const elsewhere = { ...dane, 'TLSA _2525._tcp.mx.bank.test': secure(tlsa('cd')) }
    expect(await route(elsewhere, auto, { mxPort: 2525 })).toMatchObject({
      candidates: [{ host: { port: 2525 }, proof: { tlsa: [tlsa('cd')] } }],
    })
  })
})

describe('MTA-STS (RFC 8461)', () => {
  const zones = { ...unsigned, ...announced }
  test('in mode enforce is the proof of the servers that it names, and of no others', async () => {
    const two = {
      ...zones,
      'MX bank.test': insecure(mx(10, 'mx.evil.test'), mx(20, 'mx.bank.test')),
      'A mx.evil.test': insecure('9.9.9.8'),
    }
    expect(await route(two, auto, withPolicy)).toMatchObject({
      candidates: [
        { host: { name: 'mx.bank.test' }, proof: { level: 'mta_sts', policyId: 'a1' } },
        { host: { name: 'mx.evil.test' }, outcome: 'mx_not_in_policy' },
      ],
    })
  })

  test.each(['testing', 'none'] as const)('in mode %s is no enforcement', async mode => {
    const policy = { ok: true, policy: { ...enforce, mode } } as const
    expect(await brief(zones, auto, { policy })).toEqual(['mx.bank.test destination_not_authenticated'])
  })

  test('that is announced and cannot be fetched, or DNS that fails for it, gives nobody, with the reason', async () => {
    expect(await brief(zones, auto, { policy: { ok: false, failure: 'not_authenticated' } })).toEqual([
      'mx.bank.test mta_sts_unavailable',
    ])
    expect(await brief({ ...unsigned, 'TXT _mta-sts.bank.test': failed }, auto, withPolicy)).toEqual([
      'mx.bank.test dns_failed',
    ])
    expect(await brief(unsigned, auto, withPolicy)).toEqual(['mx.bank.test destination_not_authenticated'])
  })
})

describe('servers are tried', () => {
  const three: Record<string, Zones[string]> = {
    'MX bank.test': secure(mx(20, 'c.bank.test'), mx(10, 'a.bank.test'), mx(10, 'b.bank.test')),
  }
  for (const name of ['a', 'b', 'c']) {
    three[`A ${name}.bank.test`] = secure('9.9.9.9')
    three[`TLSA _25._tcp.${name}.bank.test`] = secure(tlsa('ab'))
  }
  test('by preference, equal ones by chance', async () => {
    const rising = [0.1, 0.2, 0.3]
    expect(await brief(three, auto, { random: () => rising.shift() ?? 0 })).toEqual([
      'a.bank.test dane',
      'b.bank.test dane',
      'c.bank.test dane',
    ])
    const falling = [0.1, 0.9, 0.3]
    expect(await brief(three, auto, { random: () => falling.shift() ?? 0 })).toEqual([
      'b.bank.test dane',
      'a.bank.test dane',
      'c.bank.test dane',
    ])
  })

  test('each by its own proof; those that have none come last, the one that says most first', async () => {
    const mixed: Zones = {
      ...three,
      ...announced,
      'TLSA _25._tcp.a.bank.test': none(true),
      'TLSA _25._tcp.b.bank.test': failed,
    }
    const policy = { ok: true, policy: { ...enforce, mx: ['c.bank.test'] } } as const
    expect(await brief(mixed, auto, { policy })).toEqual([
      'c.bank.test dane',
      'b.bank.test dns_failed',
      'a.bank.test mx_not_in_policy',
    ])
  })

  test('once each, and eight at most', async () => {
    const twice = {
      ...three,
      'MX bank.test': secure(mx(30, 'a.bank.test'), mx(20, 'a.bank.test'), mx(25, 'b.bank.test')),
    }
    expect(await brief(twice)).toEqual(['a.bank.test dane', 'b.bank.test dane'])
    const many = Array.from({ length: 40 }, (_, at) => mx(at, `mx${at}.bank.test`))
    expect(await brief({ 'MX bank.test': insecure(...many) })).toHaveLength(8)
  })

  test('at two public addresses at most', async () => {
    const addresses = ['10.0.0.1', '9.9.9.1', '127.0.0.1', '9.9.9.2', '9.9.9.3', '::ffff:9.9.9.9', 'fd00::1']
    expect(await route({ ...dane, 'A mx.bank.test': secure(...addresses) })).toMatchObject({
      candidates: [{ addresses: ['9.9.9.1', '9.9.9.2'] }],
    })
    expect(await brief({ ...dane, 'A mx.bank.test': secure('10.0.0.1', '::1') })).toEqual([
      'mx.bank.test address_not_allowed',
    ])
  })

  test.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', 'mx_1.bank.test'])(
    'never when %s is said to be one: nobody even looks it up',
    async name => {
      const dns = dnsOf({
        'MX bank.test': secure(mx(10, name)),
        [`A ${name}`]: secure('9.9.9.9'),
        [`TLSA _25._tcp.${name}`]: secure(tlsa('ab')),
      })
      expect(isHostName(name)).toBe(false)
      expect(await brief({}, auto, { dns })).toEqual([`${name} address_not_allowed`])
      expect(dns.asked).not.toContain(`A ${name}`)
    },
  )
})

describe('a domain', () => {
  const itself: Zones = {
    'MX bank.test': none(true),
    'A bank.test': secure('9.9.9.9'),
    'TLSA _25._tcp.bank.test': secure(tlsa('ab')),
  }
  test('without MX records is its own server, if that is authenticated', async () => {
    expect(await route(itself)).toMatchObject({
      candidates: [{ host: { name: 'bank.test' }, proof: { level: 'dane', names: ['bank.test'] } }],
    })
    expect(await brief({ ...itself, 'MX bank.test': none(false) })).toEqual([
      'bank.test destination_not_authenticated',
    ])
    const policy = { ok: true, policy: { ...enforce, mx: ['bank.test'] } } as const
    expect(await brief({ ...itself, ...announced, 'MX bank.test': none(false) }, auto, { policy })).toEqual([
      'bank.test mta_sts',
    ])
    expect(await brief({ 'MX bank.test': none(false), ...announced }, auto, withPolicy)).toEqual([
      'bank.test dns_failed',
    ])
  })

  test('that says so takes no mail (RFC 7505); unproved, not against its own policy', async () => {
    expect(await brief({ 'MX bank.test': secure(mx(0, '')) })).toBe('domain_takes_no_mail')
    expect(await brief({ 'MX bank.test': insecure(mx(0, '')) })).toBe('domain_takes_no_mail')
    const forged = { 'MX bank.test': insecure(mx(0, '')), ...announced }
    expect(await brief(forged, auto, withPolicy)).toBe('mx_not_in_policy')
    // Nor where nobody can tell whether there is one: a forged null MX must not end a delivery for good.
    expect(await brief(forged)).toBe('mta_sts_unavailable')
    expect(await brief({ ...forged, 'TXT _mta-sts.bank.test': failed })).toBe('dns_failed')
    expect(await brief({ ...forged, 'MX bank.test': secure(mx(0, '')) }, auto, withPolicy)).toBe(
      'domain_takes_no_mail',
    )
    expect(await brief({ ...dane, 'MX bank.test': secure(mx(0, ''), mx(10, 'mx.bank.test')) })).toEqual([
      'mx.bank.test dane',
    ])
  })

  test('whose MX records fail, or that does not exist, is deferred, not given up', async () => {
    const fallback = {
      'A bank.test': secure('9.9.9.9'),
      'TLSA _25._tcp.bank.test': secure(tlsa('ab')),
      ...announced,
    }
    expect(await brief({ ...fallback, 'MX bank.test': failed }, auto, withPolicy)).toBe('dns_failed')
    expect(await brief({ ...fallback, 'MX bank.test': unknown(true) }, auto, withPolicy)).toBe('dns_failed')
  })

  test('whose servers’ addresses fail or are not there is deferred', async () => {
    expect(await brief({ ...dane, 'A mx.bank.test': failed })).toEqual(['mx.bank.test dns_failed'])
    expect(await brief({ ...dane, 'A mx.bank.test': unknown(true) })).toEqual(['mx.bank.test dns_failed'])
  })
})

describe('a floor', () => {
  const mixed: Zones = {
    ...dane,
    ...announced,
    'MX bank.test': secure(mx(5, 'sts.bank.test'), mx(10, 'mx.bank.test')),
    'A sts.bank.test': secure('9.9.9.8'),
    'TLSA _25._tcp.sts.bank.test': none(true),
  }
  test('of DANE leaves out whoever has only MTA-STS', async () => {
    expect(await brief(mixed, auto, withPolicy)).toEqual(['sts.bank.test mta_sts', 'mx.bank.test dane'])
    expect(await brief(mixed, { mode: 'auto', floor: 'dane' }, withPolicy)).toEqual([
      'mx.bank.test dane',
      'sts.bank.test destination_below_floor',
    ])
  })
  test('of MTA-STS leaves out nobody who is authenticated', async () => {
    expect(await brief(mixed, { mode: 'auto', floor: 'mta_sts' }, withPolicy)).toEqual(
      await brief(mixed, auto, withPolicy),
    )
  })
})

test('what the rule says of REQUIRETLS and limits goes with the route', async () => {
  const rule = { mode: 'auto', requireTls: 'must', limits: { connections: 1 } } as const
  expect(await route(dane, rule)).toMatchObject({ requireTls: 'must', limits: { connections: 1 } })
})

test('a report holds what was found, for a person to see', async () => {
  expect(await explain({ ...dane, ...announced }, auto, withPolicy)).toMatchObject({
    domain: 'bank.test',
    rule: auto,
    validates: true,
    findings: {
      mx: { kind: 'found', secure: true },
      hosts: [
        {
          name: 'mx.bank.test',
          preference: 10,
          allowed: ['9.9.9.9'],
          tlsa: { kind: 'found', base: 'mx.bank.test' },
        },
      ],
      sts: { kind: 'policy', id: 'a1', mode: 'enforce', mx: ['*.bank.test'] },
    },
    route: { ok: true },
  })
})

describe('by a relay', () => {
  const credentials = () => ({ login: { username: 'us', password: 'secret' } })
  const hosts = [{ name: 'relay.test', port: 587, tls: 'starttls' as const }]
  const relay = {
    rule: { mode: 'pinned' as const, hosts, pins: { spkiSha256: ['x'] }, requireTls: 'if_offered' as const },
    credentials,
  }
  const zones = { ...dane, 'A relay.test': insecure('9.9.9.7') }

  test('goes every domain that has a rule, whatever the rule, and nobody else', async () => {
    const expected = {
      ok: true,
      asked: 'relay',
      credentials,
      candidates: [{ host: hosts[0], addresses: ['9.9.9.7'], proof: { level: 'pinned' } }],
    }
    expect(await route(zones, auto, { relay })).toMatchObject(expected)
    const listed = parseDestinationRule(
      '{ "mode": "secure", "hosts": [{ "name": "own.test", "port": 25, "tls": "starttls" }] }',
    )
    expect(await route(zones, listed, { relay })).toMatchObject(expected)
    const none = explainRule(
      { ...alone, knex: undefined, dns: dnsOf(zones), mayConnect: () => true, random: () => 0, relay },
      'bank.test',
      undefined,
    )
    expect((await none).route).toEqual({ ok: false, outcome: 'destination_missing' })
  })

  test('goes no mail of a domain whose floor the relay does not reach', async () => {
    expect(await brief(zones, { mode: 'auto', floor: 'dane' }, { relay })).toBe('destination_below_floor')
    expect(await brief(zones, { mode: 'auto', floor: 'mta_sts' }, { relay })).toEqual(['relay.test pinned'])
    const weaker = { rule: { mode: 'secure' as const, hosts }, credentials: undefined }
    expect(await brief(zones, { mode: 'auto', floor: 'mta_sts' }, { relay: weaker })).toBe(
      'destination_below_floor',
    )
  })

  test('go the demands of the domain, too: the stricter REQUIRETLS, its own limits', async () => {
    const rule = { mode: 'auto', requireTls: 'must', limits: { connections: 3 } } as const
    expect(await route(zones, rule, { relay })).toMatchObject({
      requireTls: 'must',
      limits: { connections: 3 },
    })
    expect(await route(zones, auto, { relay })).toMatchObject({ requireTls: 'if_offered' })
  })

  test('no credentials are shown to a domain’s own servers', async () => {
    expect(await route(dane)).not.toHaveProperty('credentials')
  })
})
