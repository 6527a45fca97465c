import { beforeEach, describe, expect, test } from 'vitest'
import { type Breaker, openBreaker } from '../../src/delivery/courier/breaker.ts'
import type { FailureOutcome } from '../../src/delivery/outcome.ts'
import type { Route } from '../../src/delivery/route/route.ts'

const rest = { after: 3, first: 1000, max: 4000, jitter: 0.5 }
let time: number
let chance: number
let breaker: Breaker
beforeEach(() => {
  time = 0
  chance = 0.5
  breaker = openBreaker(
    rest,
    () => chance,
    () => time,
  )
})

const peer = (host: string) => ({ host, address: '192.0.2.1', port: 25 })
const hostAt = (name: string) => ({ name, port: 25, tls: 'starttls' }) as const
const routeOf = (...[first = '', ...others]: string[]): Route => {
  const candidate = (name: string) =>
    ({ host: hostAt(name), addresses: ['192.0.2.1'], proof: { level: 'secure' } }) as const
  return {
    ok: true,
    asked: 'secure',
    requireTls: undefined,
    limits: undefined,
    candidates: [candidate(first), ...others.map(candidate)],
  }
}
/** The servers in order; one that rests, with what it rests for. */
const eased = (scope: string, ...hosts: string[]): string[] => {
  const route = breaker.ease(scope, routeOf(...hosts))
  if (!route.ok) throw new Error('a route')
  return route.candidates.map(candidate =>
    'outcome' in candidate ? `${candidate.host.name}: ${candidate.outcome}` : candidate.host.name,
  )
}
const fail = (host: string, times = 1, outcome: FailureOutcome = 'connect_failed', scope = 'bank.test') => {
  for (let i = 0; i < times; i++) breaker.failed(scope, peer(host), outcome)
}

describe('a server that cannot be reached', () => {
  test('is tried until it has failed so often in a row, then rests, and the others are used', () => {
    fail('mx1', 2)
    expect(eased('bank.test', 'mx1', 'mx2')).toEqual(['mx1', 'mx2'])
    fail('mx1')
    expect(eased('bank.test', 'mx1', 'mx2')).toEqual(['mx1: connect_failed', 'mx2'])
  })

  test('rests for every domain', () => {
    fail('mx1', 3, 'timeout')
    expect(eased('other.test', 'mx1')).toEqual(['mx1: timeout'])
  })

  test('does not rest when it was reached in between', () => {
    fail('mx1', 2)
    breaker.reached('bank.test', peer('mx1'))
    fail('mx1', 2)
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  })

  test('is another one at another port', () => {
    for (let i = 0; i < 3; i++) breaker.failed('bank.test', { ...peer('mx1'), port: 465 }, 'connect_failed')
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  })

  test('is tried by one when its rest is over; the others wait until that has told', () => {
    fail('mx1', 3)
    time = 999
    expect(eased('bank.test', 'mx1')).toEqual(['mx1: connect_failed'])
    time = 1000
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
    expect(eased('bank.test', 'mx1')).toEqual(['mx1: connect_failed'])
    breaker.reached('bank.test', peer('mx1'))
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  })

  test('is tried by another when the first never told: an earlier server was there', () => {
    fail('mx1', 3)
    time = 1000
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
    time = 1999
    expect(eased('bank.test', 'mx1')).toEqual(['mx1: connect_failed'])
    time = 2000
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  })

  test('rests longer each time its trial fails, up to a bound, and not all replicas equally', () => {
    const rests = [3, 1, 1, 1].map(times => {
      fail('mx1', times)
      const start = time
      while (eased('bank.test', 'mx1')[0] !== 'mx1') time += 100
      return time - start
    })
    expect(rests).toEqual([1000, 2000, 4000, 4000])
    chance = 0
    fail('mx1')
    const start = time
    while (eased('bank.test', 'mx1')[0] !== 'mx1') time += 100
    expect(time - start).toBe(2000)
  })
})

describe('a server that did not prove itself', () => {
  test.each<FailureOutcome>(['tls_name_mismatch', 'protocol_violation', 'relay_authentication_failed'])(
    'rests for the domain that asked for the proof, and for no other: %s',
    outcome => {
      fail('mx1', 3, outcome)
      expect(eased('bank.test', 'mx1')).toEqual([`mx1: ${outcome}`])
      expect(eased('other.test', 'mx1')).toEqual(['mx1'])
    },
  )
})

test.each<FailureOutcome>(['server_busy', 'server_refused', 'internal_error'])(
  'what says nothing of reaching or proving is not held against it: %s',
  outcome => {
    fail('mx1', 10, outcome)
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  },
)

describe('a server that puts off what it is sent', () => {
  test('is tried after the others for a while, but is tried', () => {
    for (let i = 0; i < 3; i++) breaker.putOff(peer('mx1'))
    expect(eased('bank.test', 'mx1', 'mx2', 'mx3')).toEqual(['mx2', 'mx3', 'mx1'])
    expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
    time = 1000
    expect(eased('bank.test', 'mx1', 'mx2')).toEqual(['mx1', 'mx2'])
  })

  test('is not, when it took something, or refused it for good', () => {
    for (let i = 0; i < 2; i++) breaker.putOff(peer('mx1'))
    breaker.decided(peer('mx1'))
    breaker.putOff(peer('mx1'))
    expect(eased('bank.test', 'mx1', 'mx2')).toEqual(['mx1', 'mx2'])
  })
})

test('where nobody is left, the route says why, and has its servers still', () => {
  fail('mx1', 3)
  fail('mx2', 3, 'tls_pin_mismatch')
  expect(eased('bank.test', 'mx1', 'mx2')).toEqual(['mx1: connect_failed', 'mx2: tls_pin_mismatch'])
})

test('what DNS of others can fill is bounded: the longest unheard of goes', () => {
  fail('mx1', 3)
  for (let i = 0; i < 5000; i++) fail(`mx.${i}`)
  expect(eased('bank.test', 'mx1')).toEqual(['mx1'])
  fail('mx.4999', 2)
  expect(eased('bank.test', 'mx.4999')).toEqual(['mx.4999: connect_failed'])
})
