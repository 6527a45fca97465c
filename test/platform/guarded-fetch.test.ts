import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { type FetcherOptions, openFetcher } from '../../src/platform/https/index.ts'
import { createAuthority, type Identity, issueServerCertificate } from '../../src/platform/pki/index.ts'
import {
  type Answer,
  type Asked,
  notFound,
  ok,
  response,
  startWeb,
  type Web,
} from '../support/https-server.ts'
import { oddCertificate } from '../support/odd-certificates.ts'

const authority = await createAuthority({ commonName: 'Web CA', days: 1 })
const identity = await issueServerCertificate(authority, { dnsNames: ['keys.test'], days: 1 })
const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
const opened: Web[] = []
afterEach(async () => {
  for (const web of opened.splice(0)) await web.stop()
})

async function web(answer: (asked: Asked) => Answer, as: Identity = identity, more = {}): Promise<Web> {
  const started = await startWeb(as, answer, more)
  opened.push(started)
  return started
}

function fetcher({ port }: Pick<Web, 'port'>, options: Partial<FetcherOptions> = {}) {
  const lookup = () => Promise.resolve(['127.0.0.1'])
  return openFetcher({ ca: authority.certificate, allowedNetworks: loopback, lookup, port, ...options })
}

const url = new URL('https://keys.test/a/b?l=alice')
const failed = (failure: string) => ({ ok: false, failure })

test('a file is fetched from a server that proves its name', async () => {
  const server = await web(() => ok('content'))
  const fetched = await fetcher(server).get(url)
  expect(fetched).toEqual({ ok: true, bytes: new Uint8Array(Buffer.from('content')) })
  expect(server.asked).toMatchObject([{ target: '/a/b?l=alice', host: 'keys.test' }])
  expect(server.asked[0]?.head).not.toMatch(/cookie|authorization|referer|accept-encoding: (?!identity)/i)
})

describe('a server that does not prove itself gets no request:', () => {
  const identities: Record<string, () => Promise<Identity>> = {
    'wrong name': () => issueServerCertificate(authority, { dnsNames: ['other.test'], days: 1 }),
    'the name only in the subject': () => oddCertificate.commonNameOnly(authority, 'keys.test'),
    'part of a label as wildcard': () => oddCertificate.pattern(authority, 'k*.test'),
    expired: () => oddCertificate.expired(authority, 'keys.test'),
    'a certificate for clients': () => oddCertificate.clientUsage(authority, 'keys.test'),
    'unknown root': async () =>
      issueServerCertificate(await createAuthority({ commonName: 'Web CA', days: 1 }), {
        dnsNames: ['keys.test'],
        days: 1,
      }),
  }
  test.each(Object.entries(identities))('%s', async (_name, make) => {
    const server = await web(() => ok('content'), await make())
    expect(await fetcher(server).get(url)).toEqual(failed('not_authenticated'))
    expect(server.asked).toEqual([])
  })

  test('TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    const server = await web(() => ok('content'), identity, old)
    expect(await fetcher(server).get(url)).toEqual(failed('not_authenticated'))
  })

  test('plain http behind https', async () => {
    let requests = 0
    const plain = createServer((_request, answer) => {
      requests++
      answer.end('content')
    }).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    const { port } = plain.address() as AddressInfo
    expect(await fetcher({ port }).get(url)).toEqual(failed('not_authenticated'))
    expect(requests).toBe(0)
    plain.close()
  })
})

describe('a URL is not asked for that is', () => {
  test.each([
    'http://keys.test/',
    'https://user:secret@keys.test/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://[::1]/',
    'file:///etc/passwd',
  ])('%s', async text => {
    let asked = 0
    const lookup = () => {
      asked++
      return Promise.resolve(['127.0.0.1'])
    }
    expect(await fetcher({ port: 1 }, { lookup }).get(new URL(text))).toEqual(failed('url_not_allowed'))
    expect(asked).toBe(0)
  })
})

describe('an address', () => {
  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
    'that is not public, %s, is not connected to',
    async address => {
      const server = await web(() => ok('content'))
      const options = { allowedNetworks: [], lookup: () => Promise.resolve([address]) }
      expect(await fetcher(server, options).get(url)).toEqual(failed('address_not_allowed'))
      expect(server.asked).toEqual([])
    },
  )

  test('is judged and connected to from one look-up: DNS rebinding finds no gap', async () => {
    const server = await web(() => ok('content'))
    let asked = 0
    // First an address that may be connected to, where nobody is; then the metadata server next door.
    const lookup = () => Promise.resolve(asked++ === 0 ? ['127.9.9.9'] : ['127.0.0.1'])
    const allowedNetworks = [{ address: '127.9.9.9', prefix: 32, family: 'ipv4' }] as const
    const fetched = await fetcher(server, { lookup, allowedNetworks }).get(url)
    expect(fetched).toEqual(failed('connect_failed'))
    expect(asked).toBe(1)
    expect(server.asked).toEqual([])
  })

  test('is judged again for a redirect', async () => {
    const server = await web(() => response('302 Found', '', 'Location: /other'))
    let asked = 0
    const lookup = () => Promise.resolve(asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1'])
    expect(await fetcher(server, { lookup }).get(url)).toEqual(failed('address_not_allowed'))
  })

  test('beside a forbidden one is taken', async () => {
    const server = await web(() => ok('content'))
    const lookup = () => Promise.resolve(['10.0.0.1', '127.0.0.1'])
    expect(await fetcher(server, { lookup }).get(url)).toMatchObject({ ok: true })
  })

  test('that a name does not have is told apart from DNS that does not answer', async () => {
    const lookup = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }))
    const get = (code: string) => fetcher({ port: 1 }, { lookup: lookup(code) }).get(url)
    expect(await get('ENOTFOUND')).toEqual(failed('name_unknown'))
    expect(await get('EAI_AGAIN')).toEqual(failed('dns_failed'))
  })
})

describe('a redirect', () => {
  test('within the host is followed, twice at most', async () => {
    let left = 2
    const server = await web(() => (left-- > 0 ? response('301 Moved', '', 'Location: /c') : ok('content')))
    expect(await fetcher(server).get(url)).toMatchObject({ ok: true })
    left = 3
    expect(await fetcher(server).get(url)).toEqual(failed('redirect_refused'))
  })

  test.each([
    'https://other.test/a',
    'https://keys.test.evil.test/',
    'https://KEYS.test:8443/',
    'http://keys.test/a',
    '//other.test/a',
    'https://127.0.0.1/',
    'https://',
  ])('to %s is not followed', async location => {
    const server = await web(() => response('302 Found', '', `Location: ${location}`))
    expect(await fetcher(server).get(url)).toEqual(failed('redirect_refused'))
    expect(server.asked).toHaveLength(1)
  })

  test('without a target fails', async () => {
    const server = await web(() => response('302 Found'))
    expect(await fetcher(server).get(url)).toEqual(failed('redirect_refused'))
  })
})

describe('an answer is refused that', () => {
  test('announces more than 64 KiB', async () => {
    const server = await web(() => 'HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n')
    expect(await fetcher(server).get(url)).toEqual(failed('too_large'))
  })

  test('never ends', async () => {
    const piece = Buffer.alloc(16_384)
    const server = await web(() => socket => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const pour = (): void => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.on('drain', pour)
      pour()
    })
    expect(await fetcher(server).get(url)).toEqual(failed('too_large'))
  })

  test('has endless header fields', async () => {
    const server = await web(() => `HTTP/1.1 200 OK\r\n${'X-Filler: 0123456789\r\n'.repeat(2000)}\r\n`)
    expect(await fetcher(server).get(url)).toMatchObject({ ok: false })
  })

  test.each([
    ['gzip', gzipSync(Buffer.alloc(10_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(100_000))],
    ['x-gzip, identity', gzipSync('content')],
  ])('is compressed, by %s', async (encoding, body) => {
    const server = await web(() => ok(body, `Content-Encoding: ${encoding}`))
    expect(await fetcher(server).get(url)).toEqual(failed('encoding_refused'))
  })

  test('ends early', async () => {
    const server = await web(() => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    expect(await fetcher(server).get(url)).toEqual(failed('connection_lost'))
  })

  test.each(['204 No Content', '206 Partial Content', '300 Multiple Choices', '500 Error', '101 Switching'])(
    'has status %s',
    async status => {
      const server = await web(() => response(status, 'x', 'Upgrade: h2c', 'Connection: Upgrade'))
      expect(await fetcher(server).get(url)).toEqual(failed('status_refused'))
    },
  )

  test('is no HTTP', async () => {
    const server = await web(() => 'SSH-2.0-hello\r\n\r\n')
    expect(await fetcher(server).get(url)).toMatchObject({ ok: false })
  })

  test('is not there', async () => {
    const server = await web(() => notFound)
    expect(await fetcher(server).get(url)).toEqual(failed('not_found'))
  })
})

describe('time runs out', () => {
  const deadline = 300
  test('for a body that drips', async () => {
    const server = await web(() => socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write('.'), 10)
      socket.on('close', () => clearInterval(drip))
    })
    expect(await fetcher(server, { deadline }).get(url)).toEqual(failed('timeout'))
  })

  test('for redirects that take their time, together', async () => {
    const server = await web(() => socket => {
      setTimeout(() => socket.end(response('302 Found', '', 'Location: /again')), 200)
    })
    expect(await fetcher(server, { deadline }).get(url)).toEqual(failed('timeout'))
  })

  test('for silence, and for DNS that never answers', async () => {
    const server = await web(() => () => undefined)
    expect(await fetcher(server, { deadline }).get(url)).toEqual(failed('timeout'))
    const lookup = () => new Promise<readonly string[]>(() => undefined)
    expect(await fetcher(server, { deadline, lookup }).get(url)).toEqual(failed('timeout'))
  })
})
