import { afterEach, describe, expect, test } from 'vitest'
import { openStsFetch, type StsFetchOptions } from '../../../src/delivery/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import { fixedDns } from '../../support/dns.ts'
import {
  type Answer,
  type Asked,
  notFound,
  ok,
  response,
  startWeb,
  type Web,
} from '../../support/https-server.ts'
import { oddCertificate } from '../../support/odd-certificates.ts'

const authority = await createAuthority({ commonName: 'Web CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['mta-sts.bank.test'], days: 1 })
const opened: Web[] = []
afterEach(async () => {
  for (const web of opened.splice(0)) await web.stop()
})

const text = 'version: STSv1\nmode: enforce\nmx: mx.bank.test\nmax_age: 86400\n'
const plain = 'Content-Type: text/plain; charset=utf-8'
const policy = { mode: 'enforce', mx: ['mx.bank.test'], maxAge: 86_400 }

async function web(answer: (asked: Asked) => Answer, as: Identity = identity): Promise<Web> {
  const started = await startWeb(as, answer)
  opened.push(started)
  return started
}

function fetcher({ port }: Pick<Web, 'port'>, options: Partial<StsFetchOptions> = {}) {
  return openStsFetch({
    dns: at('127.0.0.1'),
    ca: authority.certificate,
    allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
    port,
    ...options,
  })
}

function at(...records: string[]) {
  return fixedDns({
    addresses: host => Promise.resolve({ kind: 'found', secure: false, records, canonical: host }),
  })
}

const failed = (failure: string) => ({ ok: false, failure })

test('a policy comes from the policy host of the domain, which proves that name', async () => {
  const server = await web(() => ok(text, plain))
  expect(await fetcher(server)('bank.test', 'a')).toEqual({ ok: true, policy })
  expect(server.asked).toMatchObject([{ target: '/.well-known/mta-sts.txt', host: 'mta-sts.bank.test' }])
})

describe('a policy host gets no say that', () => {
  const identities: Record<string, () => Promise<Identity>> = {
    'has a certificate for the domain only': () =>
      issueServerCertificate(authority, { dnsNames: ['bank.test', 'mx.bank.test'], days: 1 }),
    'has an expired certificate': () => oddCertificate.expired(authority, 'mta-sts.bank.test'),
    'has its name only in the subject': () => oddCertificate.commonNameOnly(authority, 'mta-sts.bank.test'),
    'has a certificate by an unknown root': async () =>
      issueServerCertificate(await createAuthority({ commonName: 'Web CA', days: 1 }), {
        dnsNames: ['mta-sts.bank.test'],
        days: 1,
      }),
  }
  test.each(Object.entries(identities))('%s', async (_name, make) => {
    const server = await web(() => ok(text, plain), await make())
    expect(await fetcher(server)('bank.test', 'a')).toEqual(failed('not_authenticated'))
    expect(server.asked).toEqual([])
  })

  test.each<[string, Answer, string]>([
    [
      'redirects, even to itself',
      response('302 Found', '', 'Location: /.well-known/mta-sts.txt'),
      'redirect_refused',
    ],
    [
      'redirects to the domain',
      response('301 Moved', '', 'Location: https://bank.test/mta-sts.txt'),
      'redirect_refused',
    ],
    ['answers HTML', ok(text, 'Content-Type: text/html'), 'media_type_refused'],
    ['answers nothing in particular', ok(text), 'media_type_refused'],
    ['answers text/plainer', ok(text, 'Content-Type: text/plainer'), 'media_type_refused'],
    ['has no policy', notFound, 'not_found'],
    ['is out of order', response('503 Unavailable', text, plain), 'status_refused'],
    ['has a policy that is none', ok('mode: enforce', plain), 'policy_malformed'],
    ['has more than 64 KiB', ok(text + 'x: y\n'.repeat(16_384), plain), 'too_large'],
    ['ends early', `HTTP/1.1 200 OK\r\n${plain}\r\nContent-Length: 500\r\n\r\n${text}`, 'connection_lost'],
  ])('%s', async (_name, answer, failure) => {
    const server = await web(() => answer)
    expect(await fetcher(server)('bank.test', 'a')).toEqual(failed(failure))
    expect(server.asked).toHaveLength(1)
  })

  test('is at a private address', async () => {
    const server = await web(() => ok(text, plain))
    for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1'])
      expect(await fetcher(server, { dns: at(address), allowedNetworks: [] })('bank.test', 'a')).toEqual(
        failed('address_not_allowed'),
      )
    expect(server.asked).toEqual([])
  })

  test('is not there, or nobody knows where', async () => {
    expect(await fetcher({ port: 1 }, { dns: fixedDns() })('bank.test', 'a')).toEqual(failed('name_unknown'))
    const broken = fixedDns({ addresses: () => Promise.resolve({ kind: 'failed' }) })
    expect(await fetcher({ port: 1 }, { dns: broken })('bank.test', 'a')).toEqual(failed('dns_failed'))
  })
})

test.each(['bank.test/../', 'bank.test:8443', 'a@evil.test', 'evil.test#', '127.0.0.1', 'bank_.test', ''])(
  'nobody is asked for the policy of %j, which is no domain',
  async domain => {
    const server = await web(() => ok(text, plain))
    expect(await fetcher(server)(domain, 'a')).toEqual(failed('url_not_allowed'))
    expect(server.asked).toEqual([])
  },
)

test('DNS rebinding finds no gap: the address that was judged is the one connected to', async () => {
  const server = await web(() => ok(text, plain))
  let asked = 0
  const dns = fixedDns({
    addresses: canonical =>
      Promise.resolve({
        kind: 'found',
        secure: false,
        records: [asked++ === 0 ? '127.9.9.9' : '127.0.0.1'],
        canonical,
      }),
  })
  const allowedNetworks = [{ address: '127.9.9.9', prefix: 32, family: 'ipv4' }] as const
  expect(await fetcher(server, { dns, allowedNetworks })('bank.test', 'a')).toEqual(failed('connect_failed'))
  expect(asked).toBe(1)
  expect(server.asked).toEqual([])
})

test('who asks at the same time shares one request; a failure is told again, unless the id is another one', async () => {
  let answer: Answer = notFound
  const server = await web(() => answer)
  const fetch = fetcher(server)
  expect(await Promise.all([fetch('bank.test', 'a'), fetch('bank.test', 'a')])).toEqual([
    failed('not_found'),
    failed('not_found'),
  ])
  expect(await fetch('bank.test', 'a')).toEqual(failed('not_found'))
  expect(server.asked).toHaveLength(1)
  answer = ok(text, plain)
  expect(await fetch('bank.test', 'a')).toEqual(failed('not_found'))
  expect(await fetch('bank.test', 'b')).toEqual({ ok: true, policy })
  expect(await fetch('bank.test', 'b')).toEqual({ ok: true, policy })
  expect(server.asked).toHaveLength(3)
})
