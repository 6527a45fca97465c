import fc from 'fast-check'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Candidate, FetchPolicy, Route } from '../../../src/delivery/index.ts'
import { reaches } from '../../../src/delivery/level.ts'
import { explainRule } from '../../../src/delivery/route/find.ts'
import { namesHost, type StsPolicy } from '../../../src/delivery/route/sts/policy.ts'
import type { DnsAnswer } from '../../../src/platform/dns/index.ts'
import { openDatabase, peerGuard } from '../../../src/platform/index.ts'
import { testDatabase } from '../../support/database.ts'
import { alone } from '../../support/dns.ts'
import { dnsOf, failed, insecure, mx, none, secure, tlsa, unknown, type Zones } from '../../support/zones.ts'

/*
 * Somebody between us and the world can make any question fail, forge whatever DNSSEC does not prove, and keep us from
 * the policy host. What they can not do is to turn what is proved into what is not: a resolver that validates says
 * SERVFAIL then. (One that does not validate is another story, at the end.)
 */

const opened = new AsyncDisposableStack()
let knex: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const options = { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 }
  knex = opened.adopt(openDatabase(database.gateway, options), pool => pool.close()).knex
})
afterAll(() => opened.disposeAsync())

const servers = ['a.bank.test', 'b.bank.test', 'c.bank.test'] as const
const now = Date.parse('2026-11-21T12:00:00Z')

// What an attack could take away is there more often than not.
const mostly = fc.constantFrom(true, true, true, false)
const modes = fc.constantFrom('enforce', 'enforce', 'enforce', 'testing', 'none' as const)
const policies: fc.Arbitrary<StsPolicy> = fc.record({
  mode: modes,
  mx: fc.subarray(['a.bank.test', 'b.bank.test', '*.bank.test', 'bank.test', 'mx.evil.test'], {
    minLength: 1,
  }),
  maxAge: fc.constant(86_400),
})

const situations = fc.record({
  mxSigned: mostly,
  servers: fc.subarray([...servers]),
  hosts: fc.tuple(
    ...servers.map(() =>
      fc.record({
        signed: mostly,
        alias: fc.boolean(),
        targetSigned: fc.boolean(),
        tlsa: mostly,
        // A zone of their own for `_tcp`, delegated without a signature.
        tlsaSigned: mostly,
        targetTlsa: fc.boolean(),
      }),
    ),
  ),
  announced: fc.constantFrom('a', 'a', 'b', undefined),
  served: fc.option(policies, { nil: undefined, freq: 5 }),
  floor: fc.constantFrom(undefined, undefined, 'dane' as const, 'mta_sts' as const),
})
const copies = fc.option(fc.record({ policy: policies, id: fc.constantFrom('a', 'b'), live: mostly }), {
  nil: undefined,
})
type Arbitrary<Of> = Of extends fc.Arbitrary<infer One> ? One : never
type Situation = Arbitrary<typeof situations> & { readonly copy?: Arbitrary<typeof copies> }

const proved = (signed: boolean) => (signed ? secure : insecure)

/** What DNS truly says. Whoever attacks has a domain, too, signed and with TLSA records as they should be. */
function truth({
  mxSigned,
  servers: named,
  hosts,
  announced,
}: Situation): Record<string, DnsAnswer<unknown>> {
  const zones: Record<string, DnsAnswer<unknown>> = {
    'MX bank.test':
      named.length === 0 ? none(mxSigned) : proved(mxSigned)(...named.map((name, at) => mx(at, name))),
    'A bank.test': proved(mxSigned)('9.9.9.1'),
    'TLSA _25._tcp.bank.test': mxSigned ? secure(tlsa('dd')) : none(false),
    'TXT _mta-sts.bank.test':
      announced === undefined ? none(mxSigned) : proved(mxSigned)(`v=STSv1; id=${announced};`),
    'A mx.evil.test': secure('6.6.6.6'),
    'TLSA _25._tcp.mx.evil.test': secure(tlsa('ee')),
  }
  for (const [at, name] of servers.entries()) {
    const { signed, alias, targetSigned, tlsa: own, tlsaSigned, targetTlsa } = hosts[at]!
    const target = `t${at}.host.test`
    const reached = proved(signed && (!alias || targetSigned))(`9.9.9.${at + 10}`)
    zones[`A ${name}`] = alias ? { ...reached, canonical: target } : reached
    zones[`CNAME ${name}`] = alias ? proved(signed)(target) : none(signed)
    zones[`TLSA _25._tcp.${name}`] = own
      ? proved(signed && tlsaSigned)(tlsa(`a${at}`))
      : none(signed && tlsaSigned)
    zones[`TLSA _25._tcp.${target}`] = targetTlsa ? proved(targetSigned)(tlsa(`b${at}`)) : none(targetSigned)
  }
  return zones
}

type Attack = Arbitrary<typeof attacks>['dns'][number]
const attacks = fc.record({
  dns: fc.array(fc.record({ question: fc.nat(99), forge: fc.boolean(), lie: fc.nat(99) }), {
    minLength: 1,
    maxLength: 6,
  }),
  fetch: fc.constantFrom<FetchFailed | undefined>(
    undefined,
    'not_authenticated',
    'redirect_refused',
    'timeout',
    'policy_malformed',
  ),
})
type FetchFailed = Extract<Awaited<ReturnType<FetchPolicy>>, { ok: false }>['failure']

const lies: Readonly<Record<string, readonly DnsAnswer<unknown>[]>> = {
  MX: [
    insecure(mx(0, 'mx.evil.test')),
    insecure(mx(0, '')),
    insecure(mx(0, 'b.bank.test'), mx(1, 'mx.evil.test')),
    none(false),
    unknown(false),
  ],
  A: [insecure('6.6.6.6'), { ...insecure('6.6.6.6'), canonical: 'mx.evil.test' }, none(false)],
  TLSA: [insecure(tlsa('ee')), none(false)],
  CNAME: [insecure('mx.evil.test'), none(false)],
  TXT: [insecure('v=STSv1; id=evil;'), insecure('v=STSv1; id=a;', 'v=STSv1; id=b;'), none(false)],
}

function attacked(zones: Zones, list: readonly Attack[]): Zones {
  const result = { ...zones }
  const questions = Object.keys(zones).filter(question => !question.includes('evil'))
  for (const { question: at, forge, lie } of list) {
    const question = questions[at % questions.length]!
    const answer = zones[question]!
    const isProved = answer.kind !== 'failed' && answer.secure
    const [type = ''] = question.split(' ')
    const told = lies[type]!
    result[question] = forge && !isProved ? within(zones, question, told[lie % told.length]!) : failed
  }
  return result
}

/** Of a signed alias only what is behind it can be forged: that it is one, and of whom, is proved. */
function within(zones: Zones, question: string, lie: DnsAnswer<unknown>): DnsAnswer<unknown> {
  const [type, name = ''] = question.split(' ')
  const alias = type === 'A' ? zones[`CNAME ${name}`] : undefined
  const isSigned = alias?.kind === 'found' && alias.secure
  return isSigned && lie.kind === 'found' ? { ...lie, canonical: String(alias.records[0]) } : lie
}

async function routeIn(
  database: Knex | undefined,
  zones: Zones,
  { served, copy, floor }: Situation,
  failure?: FetchFailed,
): Promise<Route> {
  await database?.('mta_sts_policies').delete()
  if (copy !== undefined) {
    await database?.('mta_sts_policies').insert({
      domain: 'bank.test',
      policy_id: copy.id,
      mode: copy.policy.mode,
      mx: copy.policy.mx,
      fetched_at: new Date(now - 1000),
      expires_at: new Date(copy.live ? now + 60_000 : now - 500),
    })
  }
  const reason = failure ?? 'not_found'
  const { route } = await explainRule(
    {
      ...alone,
      knex: database,
      clock: { now: () => new Date(now) },
      dns: dnsOf(zones),
      mayConnect: peerGuard([]),
      fetchPolicy: () =>
        Promise.resolve(
          failure === undefined && served !== undefined
            ? { ok: true, policy: served }
            : { ok: false, failure: reason },
        ),
      random: () => 0.5,
    },
    'bank.test',
    floor === undefined ? { mode: 'auto' } : { mode: 'auto', floor },
  )
  return route
}

type Tried = Extract<Candidate, { proof: unknown }>

function tried(route: Route): readonly Tried[] {
  return route.ok ? route.candidates.filter(candidate => 'proof' in candidate) : []
}

/** Whether the domain itself ever said so: in the policy that it serves, or in one that it served and that still counts. */
function isNamed({ served, copy }: Situation, host: string): boolean {
  const said = [served, copy?.live === true ? copy.policy : undefined]
  return said.some(policy => policy?.mode === 'enforce' && namesHost(policy, host))
}

/** Whether the route under attack is one that the route without it vouches for. */
function expectNoWeaker(situation: Situation, before: Route, after: Route): void {
  for (const { host, proof } of tried(after)) {
    const was = tried(before).find(candidate => candidate.host.name === host.name)
    if (was !== undefined) expect(reaches(proof.level, was.proof.level)).toBe(true)
    if (situation.floor !== undefined) expect(reaches(proof.level, situation.floor)).toBe(true)
    if (proof.level === 'dane') {
      // Word for word what it was: not another record, not another name.
      expect({ host, proof }).toEqual({ host: was?.host, proof: was?.proof })
    } else {
      expect(proof.level).toBe('mta_sts')
      expect(isNamed(situation, host.name)).toBe(true)
    }
  }
}

test('no attack yields a server with a weaker proof than without it, nor one that the domain does not vouch for', async () => {
  let stopped = 0
  await fc.assert(
    fc.asyncProperty(situations, attacks, async (situation, { dns, fetch }) => {
      const zones = truth(situation)
      const before = await routeIn(undefined, zones, situation)
      // Each question alone is made to fail and forged, and then several as they come.
      const alone = Object.keys(zones).flatMap((_question, question) => [
        [{ question, forge: false, lie: 0 }],
        [{ question, forge: true, lie: dns[0]?.lie ?? 0 }],
      ])
      for (const attack of [...alone, dns]) {
        const after = await routeIn(undefined, attacked(zones, attack), situation, fetch)
        if (tried(after).length < tried(before).length) stopped++
        expectNoWeaker(situation, before, after)
      }
    }),
    { numRuns: 1000 },
  )
  // The attacks do something.
  expect(stopped).toBeGreaterThan(100)
})

test('nor does one on a domain whose policy is known already', async () => {
  await fc.assert(
    fc.asyncProperty(situations, copies, attacks, async (some, copy, { dns, fetch }) => {
      const situation = { ...some, copy }
      const zones = truth(situation)
      const before = await routeIn(knex, zones, situation)
      const after = await routeIn(knex, attacked(zones, dns), situation, fetch)
      expectNoWeaker(situation, before, after)
    }),
    { numRuns: 60 },
  )
})

test('a resolver that proves nothing any more leaves MTA-STS, where the floor allows it, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(situations, async situation => {
      const zones = Object.fromEntries(
        Object.entries(truth(situation)).map(([question, answer]) => [
          question,
          { ...answer, secure: false } as DnsAnswer<unknown>,
        ]),
      )
      for (const { host, proof } of tried(await routeIn(undefined, zones, situation))) {
        expect(proof.level).toBe('mta_sts')
        expect(situation.floor).not.toBe('dane')
        expect(isNamed(situation, host.name)).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})
