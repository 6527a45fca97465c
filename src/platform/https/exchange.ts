import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { version } from '../../kernel/index.ts'
import { clientTlsOptions } from '../tls/profile.ts'
import type { FetchFailure } from './fetcher.ts'

type Answer = Parameters<NonNullable<Parameters<typeof request>[2]>>[0]

/** What is sent along with a POST. */
export interface Posting {
  readonly body: Uint8Array
  readonly type: string
  /** Beside those that every request has; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Posted {
  readonly status: number
  /** Lower case, without parameters; empty when it says none. */
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export type Exchange =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'redirect'; readonly location: string }
  | Failed

export interface Failed {
  readonly kind: 'failed'
  readonly failure: FetchFailure
}

type PostExchange = Failed | ({ readonly kind: 'posted' } & Posted)

export interface Destination {
  readonly url: URL
  /** Connected to as it is; nothing is resolved here. */
  readonly address: string
  readonly port: number
}

interface Bounds {
  readonly ca: string | undefined
  readonly most: number
  readonly mediaType: string | undefined
  readonly signal: AbortSignal
}

/** One GET over a connection of its own. Never rejects, and leaves no connection behind. */
export function exchange(destination: Destination, bounds: Bounds): Promise<Exchange> {
  const { most, mediaType } = bounds
  return converse<Exchange>(destination, bounds, undefined, (response, end) => {
    const answer = judge(response, most, mediaType)
    if (answer !== undefined) end(answer)
    else collect(response, most, bytes => end({ kind: 'body', bytes }), end)
  })
}

/** One POST, likewise; what it is answered counts whatever its status, but for a redirect, which nobody follows with a body. */
export function postExchange(
  destination: Destination,
  bounds: Bounds,
  posting: Posting,
): Promise<PostExchange> {
  const { most } = bounds
  return converse<PostExchange>(destination, bounds, posting, (response, end) => {
    const { statusCode: status = 0, headers } = response
    const encoding = headers['content-encoding'] ?? 'identity'
    if (status >= 300 && status < 400) end({ kind: 'failed', failure: 'redirect_refused' })
    else if (encoding.toLowerCase() !== 'identity') end({ kind: 'failed', failure: 'encoding_refused' })
    else if (Number(headers['content-length'] ?? 0) > most) end({ kind: 'failed', failure: 'too_large' })
    else {
      const mediaType = typeOf(headers)
      collect(response, most, bytes => end({ kind: 'posted', status, mediaType, bytes }), end)
    }
  })
}

function converse<Result>(
  { url, address, port }: Destination,
  { ca, signal }: Bounds,
  posting: Posting | undefined,
  read: (response: Answer, end: (result: Result | Failed) => void) => void,
): Promise<Result | Failed> {
  return new Promise(resolve => {
    // Until the server has proved itself, whatever fails is a failure to reach it or to prove itself.
    let stage: FetchFailure = 'connect_failed'
    const sent = request({
      ...clientTlsOptions,
      ...(ca === undefined ? {} : { ca }),
      host: address,
      port,
      servername: url.hostname,
      checkServerIdentity: (_name, { raw }) =>
        carriesName(new X509Certificate(raw), url.hostname) ? undefined : new Error('name mismatch'),
      path: `${url.pathname}${url.search}`,
      method: posting === undefined ? 'GET' : 'POST',
      headers: {
        ...(posting === undefined
          ? {}
          : { ...posting.headers, 'content-type': posting.type, 'content-length': posting.body.length }),
        host: url.host,
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': `Sealpost/${version}`,
      },
      agent: false,
      maxHeaderSize: 16 * 1024,
      signal,
    })
    const end = (result: Result | Failed): void => {
      resolve(result)
      sent.destroy()
    }
    const fail = (failure: FetchFailure): void => end({ kind: 'failed', failure })
    sent.on('socket', socket => {
      socket.once('connect', () => {
        stage = 'not_authenticated'
      })
      socket.once('secureConnect', () => {
        stage = 'connection_lost'
      })
    })
    sent.on('error', () => fail(stage))
    // Nothing of HTTP that changes the protocol is for us.
    sent.on('upgrade', () => fail('status_refused'))
    sent.on('response', response => {
      response.on('error', () => fail('connection_lost'))
      read(response, end)
    })
    sent.end(posting?.body)
  })
}

/** What the head of a response says already; undefined when the body is wanted. */
function judge(
  { statusCode = 0, headers }: Answer,
  most: number,
  mediaType: string | undefined,
): Exchange | undefined {
  if ([301, 302, 303, 307, 308].includes(statusCode))
    return headers.location === undefined
      ? { kind: 'failed', failure: 'redirect_refused' }
      : { kind: 'redirect', location: headers.location }
  if (statusCode === 404 || statusCode === 410) return { kind: 'failed', failure: 'not_found' }
  if (statusCode !== 200) return { kind: 'failed', failure: 'status_refused' }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') return { kind: 'failed', failure: 'encoding_refused' }
  if (mediaType !== undefined && typeOf(headers) !== mediaType)
    return { kind: 'failed', failure: 'media_type_refused' }
  if (Number(headers['content-length'] ?? 0) > most) return { kind: 'failed', failure: 'too_large' }
  return undefined
}

function typeOf(headers: Answer['headers']): string {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase()
}

function collect(
  response: Answer,
  most: number,
  done: (bytes: Uint8Array) => void,
  end: (result: Failed) => void,
): void {
  const pieces: Buffer[] = []
  let length = 0
  response.on('data', (piece: Buffer) => {
    length += piece.length
    if (length > most) end({ kind: 'failed', failure: 'too_large' })
    else pieces.push(piece)
  })
  response.on('end', () => done(new Uint8Array(Buffer.concat(pieces))))
  response.on('close', () => end({ kind: 'failed', failure: 'connection_lost' }))
}

/** RFC 9525: a subject alternative name, whole labels only; the subject says nothing. */
function carriesName(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined
}
