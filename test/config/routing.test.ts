import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadRouting } from '../../src/config/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'sealpost-routing-'))
afterAll(() => rmSync(directory, { recursive: true }))
const file = (name: string, content: string): string => {
  writeFileSync(join(directory, name), content)
  return join(directory, name)
}
const rule = file('rule.json', '{}')
const password = file('password', 'correct horse\n')
const pem = file('some.pem', 'PEM\n')

test('without settings, the system’s resolver and no relay', () => {
  expect(loadRouting({})).toEqual({
    config: { resolver: undefined, allowedNetworks: [], relayRule: undefined },
    secrets: { publicCa: undefined, relayCredentials: undefined },
  })
})

test.each([
  ['127.0.0.1:53', { address: '127.0.0.1', port: 53 }],
  ['127.0.0.53:5353', { address: '127.0.0.53', port: 5353 }],
  ['[::1]:53', { address: '::1', port: 53 }],
])('a resolver may be at %s', (text, resolver) => {
  expect(loadRouting({ SEALPOST_DNS_RESOLVER: text }).config.resolver).toEqual(resolver)
})

test.each([
  '8.8.8.8:53',
  '10.0.0.1:53',
  '0.0.0.0:53',
  '[::]:53',
  '[::ffff:8.8.8.8]:53',
  '[fe80::1]:53',
  'localhost:53',
  '127.1:53',
  '2130706433:53',
  '127.0.0.1',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  'https://127.0.0.1/dns-query',
])('a resolver may not be at %s: somebody could sit in between', text => {
  expect(() => loadRouting({ SEALPOST_DNS_RESOLVER: text })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

describe('a relay', () => {
  const relay = { SEALPOST_RELAY_RULE_FILE: rule }
  const login = { SEALPOST_RELAY_USERNAME: 'sealpost', SEALPOST_RELAY_PASSWORD_FILE: password }
  const identity = { SEALPOST_RELAY_CERT_FILE: pem, SEALPOST_RELAY_KEY_FILE: pem }

  test('has a rule, and credentials of either kind, of both, or of none', () => {
    const credentials = (env: NodeJS.ProcessEnv) => loadRouting({ ...relay, ...env }).secrets.relayCredentials
    expect(loadRouting(relay).config.relayRule).toBe('{}')
    expect(credentials({})).toBeUndefined()
    expect(credentials(login)).toEqual({ login: { username: 'sealpost', password: 'correct horse' } })
    expect(credentials(identity)).toEqual({ identity: { certificate: 'PEM\n', key: 'PEM\n' } })
    expect(credentials({ ...login, ...identity })).toHaveProperty('login')
  })

  test('keeps its password out of what may be printed', () => {
    expect(JSON.stringify(loadRouting({ ...relay, ...login }).config)).not.toContain('correct horse')
  })

  test.each<[string, NodeJS.ProcessEnv]>([
    ['a name without a password', { ...relay, SEALPOST_RELAY_USERNAME: 'sealpost' }],
    ['a password without a name', { ...relay, SEALPOST_RELAY_PASSWORD_FILE: password }],
    ['a certificate without a key', { ...relay, SEALPOST_RELAY_CERT_FILE: pem }],
    ['credentials without a rule', login],
    ['a certificate without a rule', identity],
    ['a rule that is not there', { SEALPOST_RELAY_RULE_FILE: join(directory, 'absent') }],
    ['an empty password', { ...relay, ...login, SEALPOST_RELAY_PASSWORD_FILE: file('empty', '\n') }],
    ['a password with NUL', { ...relay, ...login, SEALPOST_RELAY_PASSWORD_FILE: file('nul', 'a\0b') }],
    ['a password of two lines', { ...relay, ...login, SEALPOST_RELAY_PASSWORD_FILE: file('two', 'a\nb') }],
    ['a name with a line end', { ...relay, ...login, SEALPOST_RELAY_USERNAME: 'a\r\nb' }],
  ])('is refused for %s, without the value', (_name, env) => {
    expect(() => loadRouting(env)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        details: expect.objectContaining({
          detail: expect.stringMatching(/^SEALPOST_RELAY_/) as string,
        }) as object,
      }),
    )
  })
})
