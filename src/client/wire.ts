import { Agent, request } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SealpostApiError } from './error.ts'
import type { Problem } from './types.ts'

/** What `node:https` gives: a head, and a body to read. */
export type Answer = Parameters<NonNullable<Parameters<typeof request>[2]>>[0]

/** PEM, as text or octets. */
type Pem = string | Uint8Array

export interface Identity {
  /** The CA of the gateway's own certificate: it alone is trusted. */
  readonly ca: Pem
  /** The application's client certificate and its key. */
  readonly cert: Pem
  readonly key: Pem
  readonly passphrase?: string | undefined
}

/** A request's body. It can be opened again for another try unless it says otherwise. */
export interface Body {
  readonly type: string
  /** In octets; undefined when it is not known before. */
  readonly length: number | undefined
  open(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** False once a source that gives its octets only once was begun. */
  again(): boolean
}

export interface Asking {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Body | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds of silence. */
  readonly timeout: number
}

/** One request and the head of its answer. Rejects with {@link SealpostApiError}, or with what the signal or the body's source says. */
export type Ask = (asking: Asking) => Promise<Answer>

// Forward secrecy and authenticated encryption only (RFC 9325 section 4.2), as at the gateway.
const tls = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE+AESGCM',
    'ECDHE+CHACHA20',
  ].join(':'),
  rejectUnauthorized: true,
} as const

/** Connections to one gateway, kept open between requests. */
export function openWire(base: URL, identity: Identity): { readonly ask: Ask; close(): void } {
  const pem = (given: Pem): string | Buffer => (typeof given === 'string' ? given : Buffer.from(given))
  const agent = new Agent({
    ...tls,
    ca: pem(identity.ca),
    cert: pem(identity.cert),
    key: pem(identity.key),
    passphrase: identity.passphrase,
    keepAlive: true,
  })
  return {
    ask: asking => ask(agent, base, asking),
    close: () => agent.destroy(),
  }
}

function ask(agent: Agent, base: URL, { method, path, accept, body, signal, timeout, headers }: Asking) {
  return new Promise<Answer>((resolve, reject) => {
    let sourceFailed: { readonly error: unknown } | undefined
    const outgoing = request(new URL(path, base), {
      agent,
      method,
      signal,
      timeout,
      headers: {
        accept: accept ?? 'application/json',
        'user-agent': 'sealpost-client',
        ...(body && { 'content-type': body.type }),
        ...(body?.length !== undefined && { 'content-length': body.length }),
        ...headers,
      },
    })
    outgoing.on('timeout', () => outgoing.destroy(new SealpostApiError('timeout', { retryable: true })))
    outgoing.on('error', error =>
      reject(sourceFailed ? asError(sourceFailed.error) : connectionError(error, signal)),
    )
    outgoing.on('response', answer => {
      // Refused before it had all of the body: the rest would be sent for nothing.
      answer.once('end', () => {
        if (!outgoing.writableFinished) outgoing.destroy()
      })
      resolve(answer)
    })
    if (body === undefined) {
      outgoing.end()
      return
    }
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* body.open()
      } catch (error) {
        sourceFailed = { error }
        throw error
      }
    }
    // How it ends is told by the events above.
    pipeline(Readable.from(source(), { objectMode: false }), outgoing).catch(() => undefined)
  })
}

/** What an answer holds, when it is one of success; otherwise throws what it says. */
export async function readAnswer(answer: Answer, signal?: AbortSignal): Promise<string> {
  const { statusCode: status = 0, headers } = answer
  const text = await collect(answer, signal)
  if (status >= 200 && status < 300) return text
  const retryAfter = Number(headers['retry-after'])
  const retryAfterSeconds = Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : undefined
  const problem = problemOf(headers['content-type'], text)
  if (problem) throw new SealpostApiError(problem.code, { status, problem, retryAfterSeconds })
  // Of a proxy before the gateway, say. What it wrote is not repeated.
  const retryable = [429, 502, 503, 504].includes(status)
  throw new SealpostApiError('unexpected_answer', { status, retryable, retryAfterSeconds })
}

/** JSON of the gateway, which has proved who it is: its form is taken on trust. */
export function parse(text: string): never {
  try {
    return JSON.parse(text) as never
  } catch {
    throw new SealpostApiError('unexpected_answer')
  }
}

export function connectionError(error: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted) return asError(signal.reason)
  if (error instanceof SealpostApiError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  return new SealpostApiError('connection_failed', { cause: error, retryable: passing.has(code) })
}

/** What may pass by itself. A certificate that does not fit is not among it. */
const passing: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])

async function collect(answer: Answer, signal?: AbortSignal): Promise<string> {
  const pieces: Buffer[] = []
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece)
  } catch (error) {
    throw connectionError(error, signal)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function problemOf(type: string | undefined, text: string): Problem | undefined {
  if (!/^application\/problem\+json\b/i.test(type ?? '')) return undefined
  try {
    const problem = JSON.parse(text) as Problem | null
    return typeof problem?.code === 'string' ? problem : undefined
  } catch {
    return undefined
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('aborted', { cause: thrown })
}
