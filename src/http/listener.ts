import { constants } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { Listen } from '../config/index.ts'
import { serverTlsOptions } from '../platform/index.ts'
import { paceHandshakes } from './handshakes.ts'
import { fromListener, type Watch, watchConnections } from './refusals/watch.ts'

export interface Listener {
  readonly server: Server
  readonly port: number
  /** Refuses new connections, lets requests under way finish, cuts what is left after the deadline in milliseconds. */
  close(deadline: number): Promise<void>
}

/** Bounds on what a client may make us hold or wait for (threats.md: slowloris, header floods). */
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  // Where what is sent may be large, its pace is watched as well (http/api/limits/pace.ts).
  requestTimeout: 300_000,
  keepAliveTimeout: 30_000,
  // Often: those whose time is over end together, and nothing else is done meanwhile.
  connectionsCheckingInterval: 200,
  insecureHTTPParser: false,
} as const

/** What a listener shows, and whose certificates and lists its clients are judged by; PEM. */
export type ListenerContext = Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'crl'>

/**
 * An HTTPS server under the house's TLS profile, not yet listening. Only {@link listen} opens its port. All that a request
 * causes is recorded as coming from `watch.listener` and the client's address.
 */
export function createListener(
  context: ListenerContext,
  clientCertificate: 'required' | 'none',
  handler: RequestListener,
  watch?: Watch,
): Server {
  const server = createServer(
    {
      ...contextOptions(context),
      ...limits,
      requireHostHeader: watch === undefined, // Else it is asked for where it is counted.
      handshakeTimeout: 10_000,
      // Read by TLS, when its turn comes, and by nobody before.
      pauseOnConnect: true,
      requestCert: clientCertificate === 'required',
      // Whoever is not authorized is cut off, with an audit event, before a byte of HTTP is read (http/api).
      rejectUnauthorized: false,
    },
    watch === undefined ? handler : fromListener(watch, handler),
  )
  paceHandshakes(server)
  if (watch !== undefined) watchConnections(server, watch)
  server.maxHeadersCount = 64
  // Milliseconds in which nothing comes and nothing goes: whoever does not read answers.
  server.timeout = 120_000
  server.maxConnections = 4_000
  return server
}

/** From the next handshake on, another context. Connections go on. */
export function replaceContext(server: Server, context: ListenerContext): void {
  server.setSecureContext(contextOptions(context))
}

/**
 * Where clients show certificates, no session is resumed: a ticket would bring back the verdict of then, past the end of the
 * certificate or of the list that it was judged by.
 */
function contextOptions(context: ListenerContext): SecureContextOptions {
  const resumption = context.ca === undefined ? {} : { secureOptions: constants.SSL_OP_NO_TICKET }
  return { ...serverTlsOptions, ...context, ...resumption }
}

export async function listen(server: Server, { host, port }: Listen): Promise<Listener> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: deadline =>
      new Promise(resolve => {
        const cut = setTimeout(() => server.closeAllConnections(), deadline)
        // Again and again: a connection that has had its last answer would else be kept alive until the cut.
        const sweep = setInterval(() => server.closeIdleConnections(), 50)
        server.close(() => {
          clearTimeout(cut)
          clearInterval(sweep)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}
