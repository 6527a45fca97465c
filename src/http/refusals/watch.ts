import type { RequestListener } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Origin, withOrigin } from '../../audit/index.ts'
import type { Logger } from '../../platform/index.ts'
import { recordedAddress } from './network.ts'
import type { Refusals } from './open.ts'

/** Of a server: its name, and who counts what it refuses. */
export interface Watch {
  readonly listener: Exclude<Origin['listener'], 'host'>
  readonly refusals: Refusals
  readonly log: Logger
}

type Reason = 'gone' | 'tls' | 'http' | 'timeout' | 'full'

/** A handler whose effects come from `listener` and the client's address. Of itself it refuses what names no host, as Node would. */
export function fromListener(watch: Watch, handler: RequestListener): RequestListener {
  const refused = refusing(watch)
  return (request, response) => {
    const address = recordedAddress(request.socket.remoteAddress)
    // RFC 9112 section 3.2. Node would answer without telling anybody.
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      refused('http', address)
      response.writeHead(400, { Connection: 'close' }).end()
    } else withOrigin({ listener: watch.listener, address }, () => handler(request, response))
  }
}

/** Notes every connection that ends before there is a request to answer. Answers and closes as Node itself would. */
export function watchConnections(server: Server, watch: Watch): void {
  // A socket that is gone has forgotten its address.
  const addresses = new WeakMap<object, string>()
  const secure = new WeakSet<object>()
  const addressOf = (socket: object): string =>
    addresses.get(socket) ?? addresses.get(parentOf(socket) ?? socket) ?? 'unknown'
  const refused = refusing(watch)
  server.on('connection', (socket: Socket) => addresses.set(socket, recordedAddress(socket.remoteAddress)))
  server.on('drop', dropped => refused('full', recordedAddress(dropped?.remoteAddress)))
  server.prependListener('secureConnection', socket => {
    addresses.set(socket, recordedAddress(socket.remoteAddress))
    secure.add(socket)
  })
  // https tells errors of the handshake here too.
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!secure.has(socket)) refused(error.code === 'ECONNRESET' ? 'gone' : 'tls', addressOf(socket))
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refused('timeout', addressOf(socket))
    // Whoever goes away in the middle of a request is refused there.
    else if (error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_EOF_STATE') {
      refused('http', addressOf(socket))
    }
    if (secure.has(socket)) answer(socket, error.code)
    socket.destroy()
  })
  server.on('connect', (_request, socket: Duplex) => {
    refused('http', addressOf(socket))
    socket.destroy()
  })
}

function refusing({ listener, refusals, log }: Watch): (reason: Reason, address: string) => void {
  return (reason, address) => {
    const event = { type: 'connection.refused', reason } as const
    refusals
      .note({ actor: { kind: 'peer', address }, from: { listener, address }, event })
      .catch((error: unknown) => log.error('audit-failed', error))
  }
}

/** What Node would answer, where nothing of another answer is on its way. */
function answer(socket: Duplex, code: string | undefined): void {
  const message = '_httpMessage' in socket ? socket._httpMessage : null
  const begun = typeof message === 'object' && message !== null && 'headersSent' in message
  if (!socket.writable || (begun && message.headersSent === true)) return
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW'
        ? '413 Payload Too Large'
        : code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request'
  socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
}

/** The connection below TLS. Private to Node: test/http/refusals.test.ts sees when it is not there any more. */
export function parentOf(socket: object): object | undefined {
  return '_parent' in socket && typeof socket._parent === 'object' ? (socket._parent ?? undefined) : undefined
}
