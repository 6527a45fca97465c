import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SealpostApiError, type SealpostClientOptions } from '../../src/client/index.ts'
import {
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'

export interface Seen {
  readonly method: string
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export type Play = (seen: Seen, response: ServerResponse, request: IncomingMessage) => unknown

/** A server that asks for a client certificate, as the gateway does, and answers whatever a test wants. */
export interface Played extends AsyncDisposable {
  readonly options: SealpostClientOptions
  readonly seen: Seen[]
  /** From now on it answers like this; a list is for one request each, the last one for all that follow. */
  play(...plays: readonly [Play, ...Play[]]): void
}

const authority = await createAuthority({ commonName: 'test CA', days: 1 })
const server = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
const client = await issueClientCertificate(authority, { uri: 'urn:test:billing', days: 1 })

/** @param early answers before the body was read, with what is known of it then: nothing */
export async function openPlayed(options: ServerOptions = {}, early = false): Promise<Played> {
  const seen: Seen[] = []
  let left: Play[] = []
  const listener = createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
      ...options,
    },
    (request, response) => {
      const respond = (body: Buffer): void => {
        const asked = {
          method: request.method ?? '',
          target: request.url ?? '',
          headers: request.headers,
          body,
        }
        seen.push(asked)
        const play = left.length > 1 ? left.shift() : left[0]
        play?.(asked, response, request)
      }
      if (early) respond(Buffer.alloc(0))
      else buffer(request).then(respond, () => undefined)
    },
  )
  listener.on('tlsClientError', () => undefined)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    options: {
      baseUrl: `https://localhost:${(listener.address() as AddressInfo).port}`,
      ca: authority.certificate,
      cert: client.certificate,
      key: client.key,
      retryDelay: 1,
    },
    seen,
    play(...plays) {
      left = [...plays]
    },
    async [Symbol.asyncDispose]() {
      listener.close()
      listener.closeAllConnections()
      await once(listener, 'close')
    },
  }
}

export const json =
  (status: number, body: object, headers: Record<string, string> = {}): Play =>
  (_seen, response) =>
    response
      .writeHead(status, {
        'content-type': status < 400 ? 'application/json' : 'application/problem+json',
        ...headers,
      })
      .end(JSON.stringify(body))

export const problem = (
  status: number,
  code: string,
  retryable: boolean,
  headers: Record<string, string> = {},
): Play =>
  json(
    status,
    {
      type: `urn:sealpost:error:${code}`,
      title: 'A title.',
      status,
      detail: 'A remedy.',
      instance: 'urn:uuid:00000000-0000-4000-8000-000000000000',
      code,
      retryable,
      documentation: `/docs/errors#${code}`,
    },
    headers,
  )

export const hangUp: Play = (_seen, response) => void response.destroy()

/** What a call fails with, which must be an error of the client. */
export async function failure(call: Promise<unknown>): Promise<SealpostApiError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof SealpostApiError) return thrown
  throw new Error('it did not fail as it should', { cause: thrown })
}
