import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, openHouse } from '../support/house.ts'

let house: House
let before: ReadonlySet<number>
beforeAll(async () => {
  before = listening()
  house = await openHouse()
})
afterAll(() => house.close())

/** The TCP ports at which this process listens, as the kernel tells it. */
function listening(): ReadonlySet<number> {
  const own = new Set(
    readdirSync('/proc/self/fd').map(fd => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1]
      } catch {
        // The directory's own handle is gone by now.
        return undefined
      }
    }),
  )
  const ports = new Set<number>()
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readFileSync(file, 'utf8').trim().split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === '0A' && own.has(inode)) ports.add(Number.parseInt(local.split(':').at(-1) ?? '', 16))
    }
  }
  return ports
}

const listeners = () => ({
  api: house.gateway.apiPort,
  console: house.gateway.consolePort,
  public: house.gateway.publicPort,
  ops: house.gateway.opsPort,
})

async function answerTo(port: number, said: string): Promise<Buffer> {
  const socket: Socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.end(said)
  return buffer(socket).catch(() => Buffer.alloc(0))
}

describe('at every port that a gateway opens', () => {
  test('there is a TLS server', async () => {
    for (const [name, port] of Object.entries(listeners())) {
      expect(before.has(port ?? 0), name).toBe(false)
      const socket = connectTls({
        host: '127.0.0.1',
        port: port ?? 0,
        ca: house.authority.certificate,
        servername: 'localhost',
      })
      await once(socket, 'secureConnect')
      expect(socket.authorized, name).toBe(true)
      socket.destroy()
    }
  })

  test.each([
    ['a request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a health check', 'GET /healthz HTTP/1.0\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['EHLO', 'EHLO example.test\r\n'],
    ['an empty line', '\r\n'],
  ])('%s in clear gets no redirect and no word of HTTP', async (_, said) => {
    for (const [name, port] of Object.entries(listeners())) {
      const answer = await answerTo(port ?? 0, said)
      // At most a TLS alert (RFC 8446 section 6): seven octets of type 21.
      expect(answer.length, name).toBeLessThanOrEqual(7)
      if (answer.length > 0) expect(answer[0], name).toBe(21)
    }
  })

  test('and it opens no other', () => {
    const known: (number | undefined)[] = Object.values(listeners())
    const opened = [...listening()].filter(port => !before.has(port))
    expect(opened).toEqual(expect.arrayContaining(known))
    // The mail server of the test stands in the same process.
    const others = opened.filter(port => !known.includes(port))
    expect(others).toHaveLength(1)
  })
})
