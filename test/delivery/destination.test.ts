import { describe, expect, test } from 'vitest'
import { parseDestinationRule } from '../../src/delivery/index.ts'
import { authority } from '../support/sessions.ts'

const hosts = [{ name: 'mx.bank.test', port: 25, tls: 'starttls' }]
const parse = (rule: unknown): unknown => parseDestinationRule(JSON.stringify(rule))

test('a rule is what was written', () => {
  const secure = { mode: 'secure', hosts }
  const pinned = {
    mode: 'pinned',
    hosts,
    pins: { ca: authority.certificate, spkiSha256: [`${'A'.repeat(43)}=`] },
  }
  expect(parse(secure)).toEqual(secure)
  expect(parse(pinned)).toEqual(pinned)
})

describe('a rule is refused when', () => {
  test.each<[string, unknown]>([
    ['it has a mode that is weaker than all', { mode: 'opportunistic', hosts }],
    ['it has a field that means nothing', { mode: 'secure', hosts, rejectUnauthorized: false }],
    ['a host has a field that means nothing', { mode: 'secure', hosts: [{ ...hosts[0], insecure: true }] }],
    ['STARTTLS is optional', { mode: 'secure', hosts: [{ ...hosts[0], tls: 'optional' }] }],
    ['it has no hosts', { mode: 'secure', hosts: [] }],
    ['it is pinned to nothing', { mode: 'pinned', hosts, pins: {} }],
    ['it is pinned to no key', { mode: 'pinned', hosts, pins: { spkiSha256: [] } }],
    ['it has pins that its mode ignores', { mode: 'secure', hosts, pins: { ca: authority.certificate } }],
    ['a pin is no SHA-256', { mode: 'pinned', hosts, pins: { spkiSha256: ['abcd'] } }],
    ['its CA is no certificate', { mode: 'pinned', hosts, pins: { ca: 'no PEM' } }],
  ])('%s', (_name, rule) => {
    expect(() => parse(rule)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
  test('it is not JSON, and nothing of it is repeated', () => {
    expect(() => parseDestinationRule('{ 4111111111111111')).toThrow(
      expect.objectContaining({ details: { detail: 'destination rule: not JSON' } }),
    )
  })
})
