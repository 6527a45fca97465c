import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import { openSignedFetch, type SignedFetchOptions } from '../../../src/platform/revocation/index.ts'
import { ok, response, startWeb } from '../../support/https-server.ts'
import { createRevokingAuthority, type RevokingAuthority } from '../../support/revoking-authority.ts'
import { checkOf, revoked } from './support.ts'

interface Server {
  readonly port: number
  /** What clients sent, each connection by itself. */
  readonly heard: Buffer[]
}

const loopback = [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }] as const
const opened = new AsyncDisposableStack()
let cleanUp = new AsyncDisposableStack()
let ca: RevokingAuthority
beforeAll(async () => {
  ca = await createRevokingAuthority()
  return () => opened.disposeAsync()
})
afterEach(async () => {
  await cleanUp.disposeAsync()
  cleanUp = new AsyncDisposableStack()
})

/** Plain HTTP that answers a head, and the body that its length announces, with exactly these octets. */
async function server(
  answer: (heard: Buffer) => string | Buffer | ((socket: Socket) => void),
): Promise<Server> {
  const heard: Buffer[] = []
  const sockets = new Set<Socket>()
  const listening = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    let all = Buffer.alloc(0)
    let answered = false
    const place = heard.push(all) - 1
    socket.on('data', (piece: Buffer) => {
      all = Buffer.concat([all, piece])
      heard[place] = all
      const end = all.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(all.toString('latin1'))?.[1] ?? 0)
      if (answered || end === -1 || all.length < end + 4 + length) return
      answered = true
      const reply = answer(all)
      if (typeof reply === 'function') reply(socket)
      else socket.end(reply)
    })
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  cleanUp.defer(async () => {
    for (const socket of sockets) socket.destroy()
    listening.close()
    await once(listening, 'close')
  })
  return { port: (listening.address() as AddressInfo).port, heard }
}

function fetcher(options: Partial<SignedFetchOptions> = {}) {
  return openSignedFetch({
    allowedNetworks: loopback,
    lookup: () => Promise.resolve(['127.0.0.1']),
    ...options,
  })
}
const at = ({ port }: { port: number }, path = '/ca.crl', scheme = 'http') =>
  new URL(`${scheme}://crl.test:${port}${path}`)

test('a list is fetched over plain HTTP and says that a certificate was revoked', async () => {
  let list: Buffer = Buffer.alloc(0)
  const running = await server(() => ok(list))
  const { certificate } = await ca.issue({ lists: [at(running).href] })
  list = ca.list({ revoked: [certificate] })
  const where = { fetch: fetcher(), places: new Map<string, Buffer>(), asked: [] }
  expect(await checkOf(where)(certificate, ca.certificate, undefined)).toEqual(revoked)
  const said = running.heard[0]!.toString()
  expect(said).toMatch(/^GET \/ca\.crl HTTP\/1\.1\r\n/)
  expect(said).not.toMatch(/cookie|authorization|referer|accept-encoding: (?!identity)/i)
})

test('a responder is asked by POST, and its answer believed', async () => {
  let answer: Buffer = Buffer.alloc(0)
  const running = await server(() => ok(answer))
  const { certificate } = await ca.issue({ responder: at(running, '/ocsp').href })
  answer = ca.response(certificate)
  const where = { fetch: fetcher(), places: new Map<string, Buffer>(), asked: [] }
  expect(await checkOf(where)(certificate, ca.certificate, undefined)).toEqual({
    status: 'good',
    source: 'ocsp',
  })
  expect(running.heard[0]!.toString('latin1')).toMatch(
    /^POST \/ocsp HTTP\/1\.1\r\n(?:.*\r\n)*content-type: application\/ocsp-request\r\n/i,
  )
})

test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
  'an address that is not public, %s, is not connected to',
  async address => {
    const running = await server(() => ok('list'))
    const fetch = fetcher({ allowedNetworks: [], lookup: () => Promise.resolve([address]) })
    expect(await fetch(at(running))).toBeUndefined()
    expect(running.heard).toEqual([])
  },
)

test('DNS rebinding finds no gap: one look-up, and the address that was judged', async () => {
  const running = await server(() => ok('list'))
  let asked = 0
  const lookup = () => Promise.resolve(asked++ === 0 ? ['127.9.9.9'] : ['127.0.0.1'])
  const allowedNetworks = [{ address: '127.9.9.9', prefix: 32, family: 'ipv4' }] as const
  expect(await fetcher({ lookup, allowedNetworks })(at(running))).toBeUndefined()
  expect(asked).toBe(1)
  expect(running.heard).toEqual([])
})

test.each([
  'http://127.0.0.1/',
  'http://2130706433/',
  'http://[::1]/',
  'http://u:p@crl.test/',
  'ftp://crl.test/',
])('%s is not asked for', async text => {
  let asked = 0
  const lookup = () => {
    asked++
    return Promise.resolve(['127.0.0.1'])
  }
  expect(await fetcher({ lookup })(new URL(text))).toBeUndefined()
  expect(asked).toBe(0)
})

describe('a redirect', () => {
  test('is followed twice, to other hosts too, and not three times', async () => {
    let left = 2
    const running: Server = await server(() =>
      left-- > 0 ? response('302 Found', '', `Location: http://other.test:${running.port}/`) : ok('list'),
    )
    expect(await fetcher()(at(running))).toEqual(Buffer.from('list'))
    left = 3
    expect(await fetcher()(at(running))).toBeUndefined()
  })

  test('to an address that is not public is not followed', async () => {
    const running = await server(() => response('302 Found', '', 'Location: http://metadata.test/'))
    const lookup = (host: string) =>
      Promise.resolve([host === 'metadata.test' ? '169.254.169.254' : '127.0.0.1'])
    expect(await fetcher({ lookup })(at(running))).toBeUndefined()
  })

  test.each(['http://127.0.0.1/', 'file:///etc/passwd', 'http://'])(
    'to %s is not followed',
    async location => {
      const running = await server(() => response('301 Moved', '', `Location: ${location}`))
      expect(await fetcher()(at(running))).toBeUndefined()
    },
  )
})

describe('an answer is refused that', () => {
  test('announces more than 16 MiB', async () => {
    const running = await server(() => 'HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n')
    expect(await fetcher()(at(running))).toBeUndefined()
  })

  test('never ends', async () => {
    const running = await server(() => socket => {
      const piece = Buffer.alloc(65_536)
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const pour = (): void => {
        while (!socket.destroyed && socket.write(piece));
      }
      socket.on('drain', pour)
      pour()
    })
    expect(await fetcher()(at(running))).toBeUndefined()
  })

  test('is compressed', async () => {
    const running = await server(() => ok(gzipSync(Buffer.alloc(10_000_000)), 'Content-Encoding: gzip'))
    expect(await fetcher()(at(running))).toBeUndefined()
  })

  test.each(['204 No Content', '206 Partial', '404 Not Found', '500 Error', '101 Switching Protocols'])(
    'has status %s',
    async status => {
      const running = await server(() => response(status, 'list', 'Upgrade: h2c', 'Connection: Upgrade'))
      expect(await fetcher()(at(running))).toBeUndefined()
    },
  )

  test('ends early, or is no HTTP', async () => {
    const early = await server(() => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    expect(await fetcher()(at(early))).toBeUndefined()
    const ssh = await server(() => 'SSH-2.0-hello\r\n\r\n')
    expect(await fetcher()(at(ssh))).toBeUndefined()
  })

  test('drips, is silent, or whose DNS is', async () => {
    const deadline = 300
    const dripping = await server(() => socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
      const drip = setInterval(() => socket.write('.'), 10)
      socket.on('close', () => clearInterval(drip))
    })
    expect(await fetcher({ deadline })(at(dripping))).toBeUndefined()
    const silent = await server(() => () => undefined)
    expect(await fetcher({ deadline })(at(silent))).toBeUndefined()
    const lookup = () => new Promise<readonly string[]>(() => undefined)
    expect(await fetcher({ deadline, lookup })(at(silent))).toBeUndefined()
  })
})

test('over https the server must prove its name: an unknown root gets no request', async () => {
  const unknown = await createAuthority({ commonName: 'Unknown', days: 1 })
  const identity = await issueServerCertificate(unknown, { dnsNames: ['crl.test'], days: 1 })
  const web = await startWeb(identity, () => ok('list'))
  cleanUp.defer(() => web.stop())
  expect(await fetcher()(at(web, '/', 'https'))).toBeUndefined()
  expect(web.asked).toEqual([])
})
