import { afterEach, describe, expect, test } from 'vitest'
import type { Address } from '../../../src/kernel/index.ts'
import { keyserverAt } from '../../../src/keys/discovery/vks.ts'
import { wkdUrls } from '../../../src/keys/discovery/wkd.ts'
import { zBase32 } from '../../../src/keys/discovery/z-base-32.ts'
import { openDiscovery } from '../../../src/keys/index.ts'
import { openFetcher } from '../../../src/platform/https/index.ts'
import { createAuthority, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import {
  type Answer,
  type Asked,
  notFound,
  ok,
  response,
  startWeb,
  type Web,
} from '../../support/https-server.ts'

const authority = await createAuthority({ commonName: 'Web CA', days: 1 })
const dnsNames = ['bank.test', 'openpgpkey.bank.test', 'keys.test'] as const
const identity = await issueServerCertificate(authority, { dnsNames: [...dnsNames], days: 1 })
const alice = 'Alice.B@Bank.test' as Address

const opened: Web[] = []
afterEach(async () => {
  for (const web of opened.splice(0)) await web.stop()
})

/** One server for all names that exist; DNS knows the others not. */
async function estate(answer: (asked: Asked) => Answer, names: readonly string[] = dnsNames) {
  const web = await startWeb(identity, answer)
  opened.push(web)
  const fetcher = openFetcher({
    ca: authority.certificate,
    allowedNetworks: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
    lookup: host =>
      names.includes(host)
        ? Promise.resolve(['127.0.0.1'])
        : Promise.reject(Object.assign(new Error(host), { code: 'ENOTFOUND' })),
    port: web.port,
    deadline: 5000,
  })
  const found = async (keyserver?: URL) =>
    (await openDiscovery(fetcher, keyserver).find(alice)).map(({ source, bytes }) => [
      source,
      Buffer.from(bytes).toString(),
    ])
  return { web, fetcher, found, hosts: () => web.asked.map(({ host }) => host) }
}

test('the example of the draft has its URLs', () => {
  const { advanced, direct } = wkdUrls('Joe.Doe@Example.ORG' as Address)
  expect(String(advanced)).toBe(
    'https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe',
  )
  expect(String(direct)).toBe(
    'https://example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe',
  )
})

test('what an address may hold cannot leave its place in a URL', () => {
  const { direct } = wkdUrls("a&b=c#d?/%+'{}@bank.test" as Address)
  expect(direct.hash).toBe('')
  expect(direct.pathname).toMatch(/^\/\.well-known\/openpgpkey\/hu\/[a-z0-9]{32}$/)
  expect([...direct.searchParams]).toEqual([['l', "a&b=c#d?/%+'{}"]])
  const asked: URL[] = []
  const server = keyserverAt(new URL('https://keys.test'), {
    get: url => {
      asked.push(url)
      return Promise.resolve({ ok: false, failure: 'not_found' })
    },
  })
  void server.byAddress('a/../../b?c#d%@bank.test' as Address)
  void server.byFingerprint('AB'.repeat(20))
  expect(asked.map(String)).toEqual([
    'https://keys.test/vks/v1/by-email/a%2F..%2F..%2Fb%3Fc%23d%25%40bank.test',
    `https://keys.test/vks/v1/by-fingerprint/${'AB'.repeat(20)}`,
  ])
})

test('z-base-32: five bits a character', () => {
  expect(zBase32(Uint8Array.of(0, 0, 0, 0, 0))).toBe('yyyyyyyy')
  expect(zBase32(Uint8Array.of(255, 255, 255, 255, 255))).toBe('99999999')
  // Examples of the specification, filled with zeros.
  expect(zBase32(Uint8Array.of(0xf0, 0xbf, 0xc7, 0, 0))).toBe('6n9hqyyy')
  expect(zBase32(Uint8Array.of(0xd4, 0x7a, 0x04, 0, 0))).toBe('4t7yeyyy')
})

describe('the directory of the domain', () => {
  test('is asked by the advanced method, and then not by the direct one', async () => {
    const { found, hosts, web } = await estate(() => ok('advanced'))
    expect(await found()).toEqual([['wkd', 'advanced']])
    expect(hosts()).toEqual(['openpgpkey.bank.test'])
    expect(web.asked[0]?.target).toMatch(
      /^\/\.well-known\/openpgpkey\/bank\.test\/hu\/[a-z0-9]{32}\?l=Alice\.B$/,
    )
  })

  test('is asked directly when the name of the advanced method does not exist', async () => {
    const { found, hosts } = await estate(() => ok('direct'), ['bank.test'])
    expect(await found()).toEqual([['wkd', 'direct']])
    expect(hosts()).toEqual(['bank.test'])
  })

  test.each<[string, Answer]>([
    ['has nothing', notFound],
    ['fails', response('503 Unavailable')],
    ['redirects to the other host', response('302 Found', '', 'Location: https://bank.test/x')],
    ['compresses', ok('x', 'Content-Encoding: gzip')],
    ['sends too much', ok(Buffer.alloc(65_537))],
  ])('is not asked directly when the server of the advanced method %s', async (_name, answer) => {
    const { found, hosts } = await estate(({ host }) => (host === 'bank.test' ? ok('direct') : answer))
    expect(await found()).toEqual([])
    expect(hosts()).toEqual(['openpgpkey.bank.test'])
  })

  test('needs no policy file', async () => {
    const { found, web } = await estate(({ target }) => (target.includes('/policy') ? notFound : ok('file')))
    expect(await found()).toEqual([['wkd', 'file']])
    expect(web.asked).toHaveLength(1)
  })
})

test('the keyserver is asked beside it, when there is one, and for what it verified only', async () => {
  const { found, web } = await estate(({ host }) => ok(host === 'keys.test' ? 'theirs' : 'own'))
  expect(await found(new URL('https://keys.test'))).toEqual([
    ['wkd', 'own'],
    ['vks', 'theirs'],
  ])
  expect(web.asked.map(({ target }) => target)).toContain('/vks/v1/by-email/Alice.B%40Bank.test')
})

test('a domain and a keyserver that do not exist give nothing', async () => {
  const { found } = await estate(() => ok('x'), [])
  expect(await found(new URL('https://keys.test'))).toEqual([])
})
