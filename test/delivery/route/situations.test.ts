import { describe, expect, test } from 'vitest'
import type { DestinationRule, RouteDependencies } from '../../../src/delivery/index.ts'
import { explainRule } from '../../../src/delivery/route/find.ts'
import { peerGuard } from '../../../src/platform/index.ts'
import { alone } from '../../support/dns.ts'
import { dnsOf } from '../../support/zones.ts'
import { type RouteSituation, routeSituations } from './situations.ts'

const enforce = { mode: 'enforce', mx: ['*.bank.test'], maxAge: 86_400 } as const
const policies = {
  enforce: { ok: true, policy: enforce },
  enforce_others: { ok: true, policy: { ...enforce, mx: ['other.test'] } },
  testing: { ok: true, policy: { ...enforce, mode: 'testing' } },
  unavailable: { ok: false, failure: 'not_authenticated' },
} as const

const server = { name: 'mx.bank.test', port: 25, tls: 'starttls' } as const
const rules = {
  auto: { mode: 'auto' },
  floorDane: { mode: 'auto', floor: 'dane' },
  listed: { mode: 'secure', hosts: [server] },
} as const satisfies Record<string, DestinationRule>

async function wayOf({ zones, policy }: RouteSituation, rule: DestinationRule): Promise<string> {
  const fetched = policy === undefined ? ({ ok: false, failure: 'name_unknown' } as const) : policies[policy]
  const dependencies: RouteDependencies = {
    ...alone,
    knex: undefined,
    dns: dnsOf(zones),
    mayConnect: peerGuard([]),
    fetchPolicy: () => Promise.resolve(fetched),
    random: () => 0,
  }
  const { route } = await explainRule(dependencies, 'bank.test', rule)
  if (!route.ok) return route.outcome
  const [only, ...more] = route.candidates
  expect(more).toEqual([])
  return 'proof' in only ? only.proof.level : only.outcome
}

describe('no weaker way than without an attack, when', () => {
  test.each(routeSituations.map(one => [one.situation, one] as const))('%s', async (_, situation) => {
    const { auto, floorDane, listed } = situation
    expect({
      auto: await wayOf(situation, rules.auto),
      floorDane: await wayOf(situation, rules.floorDane),
      listed: await wayOf(situation, rules.listed),
    }).toEqual({ auto, floorDane, listed })
  })
})
