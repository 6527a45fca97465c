import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Identity } from '../../src/platform/pki/index.ts'

/** What a slow client is slow in. */
export const slownesses = ['handshakes', 'headers', 'bodies', 'large-bodies', 'readers', 'idle'] as const
export type Slowness = (typeof slownesses)[number]

export interface SlowClients {
  /** Connections that stand now. */
  readonly open: () => number
  /** Connections that came to stand, all told. */
  readonly opened: () => number
  close(): void
}

interface Target {
  readonly port: number
  readonly authority: Pick<Identity, 'certificate'>
  readonly client: Identity
}

const head = 'POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'

/** What is sent at once, and what then each second, by one that is slow in this. */
const scripts: Readonly<Record<Exclude<Slowness, 'handshakes'>, { first: Buffer; then: string }>> = {
  headers: { first: Buffer.from(head), then: 'X-A: b\r\n' },
  bodies: { first: Buffer.from(`${head}Content-Length: 1000000\r\n\r\n{"text":"`), then: 'x' },
  // More than is taken before a place in a sealer is.
  'large-bodies': {
    first: Buffer.from(`${head}Content-Length: 20000000\r\n\r\n{"text":"${'x'.repeat(1_100_000)}`),
    then: 'x',
  },
  // A long answer, which is not read.
  readers: {
    first: Buffer.from('GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    then: '',
  },
  idle: { first: Buffer.from('GET /v1/messages/msg_0 HTTP/1.1\r\nHost: localhost\r\n\r\n'), then: '' },
}

/**
 * Opens so many connections that do next to nothing, and another for each that is cut. `beginning` at a time are being opened.
 */
export function openSlowClients(
  { port, authority, client }: Target,
  slowness: Slowness,
  count: number,
  beginning = 100,
): SlowClients {
  const sockets = new Set<Socket>()
  const standing = new Set<Socket>()
  let opened = 0
  let closed = false

  const begin = (): void => {
    if (closed || sockets.size >= count || sockets.size - standing.size >= beginning) return
    const socket =
      slowness === 'handshakes'
        ? connectTcp({ host: '127.0.0.1', port })
        : connectTls({
            host: '127.0.0.1',
            port,
            servername: 'localhost',
            ca: authority.certificate,
            cert: client.certificate,
            key: client.key,
          })
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      sockets.delete(socket)
      standing.delete(socket)
      // Not at once: else cutting would be what keeps the gateway busy.
      setTimeout(begin, 100)
    })
    socket.once(slowness === 'handshakes' ? 'connect' : 'secureConnect', () => {
      standing.add(socket)
      opened++
      // The head of a record that announces a ClientHello of 512 octets.
      if (slowness === 'handshakes') socket.write(Buffer.from('16030102000100', 'hex'))
      else socket.write(scripts[slowness].first)
      if (slowness === 'readers') socket.pause()
      else socket.resume()
      begin()
    })
    begin()
  }
  const trickle = setInterval(() => {
    const more = slowness === 'handshakes' ? Buffer.from([0]) : scripts[slowness].then
    if (more.length > 0) for (const socket of standing) if (socket.writable) socket.write(more)
    begin()
  }, 1_000)
  begin()
  return {
    open: () => standing.size,
    opened: () => opened,
    close() {
      closed = true
      clearInterval(trickle)
      for (const socket of sockets) socket.destroy()
    },
  }
}
