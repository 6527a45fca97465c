import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadServeConfig } from '../../src/config/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'sealpost-config-'))
afterAll(() => rmSync(directory, { recursive: true }))
const pem = join(directory, 'some.pem')
writeFileSync(pem, 'PEM\n')

const complete = {
  SEALPOST_DATABASE_SOCKET: '/run/postgresql',
  SEALPOST_MAIL_HOST: 'gateway.payments.example',
  SEALPOST_CONSOLE_URL: 'https://console.payments.example',
  SEALPOST_PUBLIC_URL: 'https://keys.payments.example:8445',
  SEALPOST_ORGANISATION: 'Example Payments',
  SEALPOST_TLS_CERT_FILE: pem,
  SEALPOST_TLS_KEY_FILE: pem,
  SEALPOST_CLIENT_CA_FILE: pem,
}
const load = (changes: Record<string, string | undefined>) =>
  loadServeConfig({ ...complete, ...changes }, ['api'])

const byTls = {
  SEALPOST_DATABASE_SOCKET: undefined,
  SEALPOST_DATABASE_HOST: 'db.example',
  SEALPOST_DATABASE_CA_FILE: pem,
}
const because = { SEALPOST_DATABASE_TUNNEL_REASON: 'PostgreSQL 11 until its upgrade' }

test('fingerprints are read as openssl prints them', () => {
  const printed = Array<string>(32).fill('AB').join(':')
  const { config } = load({ SEALPOST_FOREIGN_CERTIFICATES: `${printed}, ${'cd'.repeat(32)}` })
  expect(config.foreignCertificates).toEqual(['ab'.repeat(32), 'cd'.repeat(32)])
})

describe('defaults', () => {
  test('a minimal environment is enough, and other programs’ variables are none of our business', () => {
    const { config, secrets } = load({ PATH: '/bin' })
    expect(config.api).toEqual({ host: '0.0.0.0', port: 8443 })
    expect(config.console.port).toBe(8444)
    expect(config.public.port).toBe(8445)
    expect(config.notices).toEqual({
      from: 'notices@gateway.payments.example',
      mailHost: 'gateway.payments.example',
      publicUrl: 'https://keys.payments.example:8445',
      organisation: 'Example Payments',
    })
    expect(config).toMatchObject({ discovery: true, keyserver: undefined })
    expect(config.ops.host).toBe('127.0.0.1')
    expect(config.allowedNetworks).toEqual([])
    expect(secrets.database).toMatchObject({ kind: 'socket', user: 'sealpost_gateway' })
  })
})

describe('what is wrong is refused by name', () => {
  test.each([
    ['a misspelt setting', { SEALPOST_DATABSE_HOST: 'x' }, 'SEALPOST_DATABSE_HOST'],
    ['a missing one', { SEALPOST_MAIL_HOST: undefined }, 'SEALPOST_MAIL_HOST'],
    ['no number', { SEALPOST_SEALERS: 'two' }, 'SEALPOST_SEALERS'],
    ['no port', { SEALPOST_API_LISTEN: 'localhost' }, 'SEALPOST_API_LISTEN'],
    ['a page without TLS', { SEALPOST_PUBLIC_URL: 'http://keys.payments.example' }, 'SEALPOST_PUBLIC_URL'],
    ['a page below a path', { SEALPOST_PUBLIC_URL: 'https://payments.example/k' }, 'SEALPOST_PUBLIC_URL'],
    ['a name in a URL', { SEALPOST_CONSOLE_URL: 'https://user@payments.example' }, 'SEALPOST_CONSOLE_URL'],
    ['two lines', { SEALPOST_ORGANISATION: 'Example\r\nBcc: x@y.example' }, 'SEALPOST_ORGANISATION'],
    ['text that turns around', { SEALPOST_ORGANISATION: 'Example\u202e' }, 'SEALPOST_ORGANISATION'],
    ['no address', { SEALPOST_NOTICE_FROM: 'Example <a@b.example>' }, 'SEALPOST_NOTICE_FROM'],
    ['a certificate without its key', { SEALPOST_PUBLIC_TLS_CERT_FILE: pem }, 'SEALPOST_PUBLIC_TLS_KEY_FILE'],
    ['perhaps', { SEALPOST_DISCOVERY: 'maybe' }, 'SEALPOST_DISCOVERY'],
    ['a missing file', { SEALPOST_TLS_KEY_FILE: '/nowhere' }, 'SEALPOST_TLS_KEY_FILE'],
    ['no network', { SEALPOST_DELIVERY_ALLOWED_NETWORKS: '127.0.0.1' }, 'SEALPOST_DELIVERY_ALLOWED_NETWORKS'],
    ['an exposure that is neither', { SEALPOST_EXPOSURE: 'public' }, 'SEALPOST_EXPOSURE'],
    ['no fingerprint', { SEALPOST_FOREIGN_CERTIFICATES: 'abc' }, 'SEALPOST_FOREIGN_CERTIFICATES'],
    [
      'a client certificate without key',
      { ...byTls, SEALPOST_DATABASE_CERT_FILE: pem },
      'SEALPOST_DATABASE_CERT_FILE',
    ],
    ['no pin', { ...byTls, SEALPOST_DATABASE_SPKI_PINS: 'abc' }, 'SEALPOST_DATABASE_SPKI_PINS'],
    [
      'an exception without reason',
      { ...byTls, SEALPOST_DATABASE_TUNNEL_UNTIL: '2027-01-31' },
      'TUNNEL_REASON',
    ],
    [
      'an exception without end',
      { ...byTls, SEALPOST_DATABASE_TUNNEL_REASON: 'because we must' },
      'TUNNEL_UNTIL',
    ],
    [
      'an exception until no day',
      { ...byTls, ...because, SEALPOST_DATABASE_TUNNEL_UNTIL: '2027-02-30' },
      'TUNNEL_UNTIL',
    ],
    [
      'an exception for a socket',
      { ...because, SEALPOST_DATABASE_TUNNEL_UNTIL: '2027-01-31' },
      'TUNNEL_UNTIL',
    ],
    ['a CA for no syslog server', { SEALPOST_SYSLOG_CA_FILE: pem }, 'SEALPOST_SYSLOG_HOST'],
    ['a syslog server without its CA', { SEALPOST_SYSLOG_HOST: 'siem.example' }, 'SEALPOST_SYSLOG_CA_FILE'],
    [
      'a syslog server by a URL',
      { SEALPOST_SYSLOG_HOST: 'tls://siem.example', SEALPOST_SYSLOG_CA_FILE: pem },
      'SEALPOST_SYSLOG_HOST',
    ],
    [
      'a certificate for it without the key',
      { SEALPOST_SYSLOG_HOST: 'siem.example', SEALPOST_SYSLOG_CA_FILE: pem, SEALPOST_SYSLOG_CERT_FILE: pem },
      'SEALPOST_SYSLOG_KEY_FILE',
    ],
    ['a socket and a host', { SEALPOST_DATABASE_HOST: 'db.example' }, 'SEALPOST_DATABASE_SOCKET'],
  ])('%s', (_name, changes: Record<string, string | undefined>, name) => {
    expect(() => load(changes)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        details: expect.objectContaining({ detail: expect.stringContaining(name) as string }) as object,
      }) as Error,
    )
  })

  test('PostgreSQL by host without a CA', () => {
    const changes = { SEALPOST_DATABASE_SOCKET: undefined, SEALPOST_DATABASE_HOST: 'db.example' }
    expect(() => load(changes)).toThrow(expect.objectContaining({ code: 'database_tls_required' }) as Error)
  })
})
