import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type Logger, serverTlsOptions } from '../platform/index.ts'
import type { Answer, Witness } from './witness.ts'

export interface WitnessServer {
  readonly port: number
  /** Requests under way get a second. */
  close(): Promise<void>
}

interface Listening {
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly log: Logger
}

const mostOctets = 64 * 1024

/** What a client may make us hold or wait for. */
const limits = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 90_000, // C2SP tlog-witness: keep-alive should be supported
  connectionsCheckingInterval: 1_000,
  handshakeTimeout: 10_000,
  requireHostHeader: true,
  insecureHTTPParser: false,
} as const

/** Serves a witness over HTTPS by the profile of the house. Whoever can reach it may ask: what counts is the log's signature. */
export async function serveWitness(witness: Witness, listening: Listening): Promise<WitnessServer> {
  const { host, port, certificate, key, log } = listening
  const server = createServer(
    { ...serverTlsOptions, ...limits, cert: certificate, key, secureOptions: constants.SSL_OP_NO_TICKET },
    (request, response) => {
      answer(witness, request)
        .catch((error: unknown) => {
          log.error('witness-failed', error)
          return failure
        })
        .then(reply => {
          log.info('witness-answered', { status: reply.status })
          send(response, reply)
        })
        .catch((error: unknown) => log.error('witness-failed', error))
    },
  )
  server.maxHeadersCount = 32
  server.maxConnections = 256
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return { port: portOf(server), close: () => close(server) }
}

type Reply = Omit<Answer, 'status'> & { readonly status: number; readonly close?: true }

const plain = 'text/plain; charset=utf-8'
const failure: Reply = { status: 500, mediaType: plain, body: 'nothing was cosigned\n', close: true }

async function answer(witness: Witness, request: IncomingMessage): Promise<Reply> {
  const { method = '', url = '' } = request
  if (url === '/add-checkpoint') {
    if (method !== 'POST') return refusal(405, 'POST only')
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') return refusal(415, 'compressed')
    const body = await read(request)
    return body === undefined ? refusal(413, 'too large') : witness.addCheckpoint(body)
  }
  const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url) ?? []
  if (hash === undefined) return refusal(404, 'nothing here')
  return method === 'GET' ? witness.checkpoint(hash) : refusal(405, 'GET only')
}

/** Undefined when it is too long; the rest is not read. */
async function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > mostOctets) return undefined
  const pieces: Buffer[] = []
  let length = 0
  // Ended early, it must still be answered.
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > mostOctets) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** With what was not read of the body the connection ends too. */
function refusal(status: number, why: string): Reply {
  return { status, mediaType: plain, body: `${why}\n`, close: true }
}

function send(response: ServerResponse, { status, mediaType, body, close: last }: Reply): void {
  response.writeHead(status, {
    'content-type': mediaType,
    'content-length': Buffer.byteLength(body),
    ...(last ? { connection: 'close' } : {}),
  })
  response.end(body)
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    const cut = setTimeout(() => server.closeAllConnections(), 1_000)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
