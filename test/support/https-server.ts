import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Identity } from '../../src/platform/pki/index.ts'

/** What a request said: its target and its header fields, as they came. */
export interface Asked {
  readonly target: string
  readonly host: string
  readonly head: string
}

/** Octets to answer with, after which the connection ends; or the socket is played by hand. */
export type Answer = string | Buffer | ((socket: TLSSocket) => void)

/** A server that speaks TLS properly and, inside it, whatever a test wants. */
export interface Web {
  readonly port: number
  readonly asked: Asked[]
  stop(): Promise<void>
}

export async function startWeb(
  identity: Identity,
  answer: (asked: Asked) => Answer,
  options: TlsOptions & { readonly address?: string; readonly port?: number } = {},
): Promise<Web> {
  const asked: Asked[] = []
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: identity.certificate, key: identity.key, ...options }, socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    let head = ''
    socket.on('data', (piece: Buffer) => {
      const complete = head.includes('\r\n\r\n')
      head += piece.toString('latin1')
      if (complete || !head.includes('\r\n\r\n')) return
      const [, target = ''] = /^GET (\S+) HTTP\/1\.1\r\n/.exec(head) ?? []
      const [, host = ''] = /\r\nhost: ([^\r]*)\r\n/i.exec(head) ?? []
      const seen = { target, host, head }
      asked.push(seen)
      const reply = answer(seen)
      if (typeof reply === 'function') reply(socket)
      else socket.end(reply)
    })
  })
  server.on('tlsClientError', () => undefined)
  server.listen(options.port ?? 0, options.address ?? '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A response of HTTP/1.1 with its length. */
export function response(status: string, body: string | Uint8Array = '', ...headers: string[]): Buffer {
  const bytes = Buffer.from(body)
  const head = [`HTTP/1.1 ${status}`, `Content-Length: ${bytes.length}`, 'Connection: close', ...headers]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes])
}

export const ok = (body: string | Uint8Array, ...headers: string[]): Buffer =>
  response('200 OK', body, ...headers)
export const notFound = response('404 Not Found', 'no such thing')
