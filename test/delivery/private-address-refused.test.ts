import { describe, expect, test } from 'vitest'
import { parseDestinationRule } from '../../src/delivery/index.ts'
import { peerGuard } from '../../src/platform/index.ts'
import { open, rule } from '../support/sessions.ts'

const guard = peerGuard([])

describe('a mail server is not looked for at', () => {
  test.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '10.1.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12::1',
    'ff02::1',
    '2002:7f00:1::',
    '2001:0:1::1',
    '2001:db8::1',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    'localhost',
    '',
  ])('%s', address => {
    expect(guard(address)).toBe(false)
  })
})

test('public addresses may be connected to, and private ones that the configuration lists', () => {
  expect(['8.8.8.8', '172.32.0.1', '2a00:1450::1', '2620:fe::fe'].every(guard)).toBe(true)
  const exception = peerGuard([{ address: '10.9.0.0', prefix: 16, family: 'ipv4' }])
  expect(exception('10.9.1.1')).toBe(true)
  expect(exception('::ffff:10.9.1.1')).toBe(true)
  expect(exception('10.8.1.1')).toBe(false)
})

test('DNS that answers with a private address gives no connection, whatever else it answers', async () => {
  const options = {
    mayConnect: guard,
    limits: { connect: 50, reply: 50, opening: 100, transaction: 50, bytesPerSecond: 1 },
  }
  const lookup = (...found: string[]) => ({ ...options, lookup: () => Promise.resolve(found) })
  expect(await open(rule(25), lookup('127.0.0.1', '10.0.0.1'))).toMatchObject({
    outcome: 'address_not_allowed',
    peer: { host: 'mx.test', address: null },
  })
  expect(await open(rule(25), lookup())).toMatchObject({ outcome: 'dns_failed' })
  expect(
    await open(rule(25), { ...options, lookup: () => Promise.reject(new Error('SERVFAIL')) }),
  ).toMatchObject({
    outcome: 'dns_failed',
  })
})

test('the name is resolved once, and the address that was judged is the one connected to', async () => {
  let asked = 0
  const opening = await open(rule(1), {
    mayConnect: address => address === '127.0.0.9',
    lookup: () => Promise.resolve(asked++ === 0 ? ['10.0.0.1', '127.0.0.9'] : ['127.0.0.1']),
  })
  expect(opening).toMatchObject({ outcome: 'connect_failed', peer: { address: '127.0.0.9' } })
  expect(asked).toBe(1)
})

describe('a rule refuses as a host name', () => {
  test.each([
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '１２７.0.0.1',
    'MX.bank.test',
    'mx.bank.test.',
    'mx_.test',
    '[::1]',
    'a b',
  ])('%s', name => {
    const text = JSON.stringify({ mode: 'secure', hosts: [{ name, port: 25, tls: 'starttls' }] })
    expect(() => parseDestinationRule(text)).toThrow()
  })
})
