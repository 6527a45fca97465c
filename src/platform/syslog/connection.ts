import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { authenticate, type SyslogReceiver } from './authenticate.ts'
import { type SyslogFailure, syslogFailed } from './failure.ts'
import { framed } from './format.ts'
import { openTcp, type Tcp } from './tcp.ts'

export interface SyslogBounds {
  /** Milliseconds that a step may take: connecting, the handshake, each 64 kB, the end. Default 30,000. */
  readonly deadline?: number
  /** Ends the connection whatever is under way; what is waited for then rejects. */
  readonly signal?: AbortSignal | undefined
}

/**
 * One connection to a syslog server over TLS (RFC 5425). Everything rejects with `syslog_failed`; after that, and after
 * `confirm`, there is only `close`.
 */
export interface SyslogConnection {
  /** As negotiated. */
  readonly tls: { readonly version: string; readonly cipher: string }
  /** Resolves when the messages have left this process; that they arrived is known by {@link confirm} alone. Holds back while the server reads slowly. */
  send(messages: Iterable<Uint8Array>): Promise<void>
  /**
   * Ends the connection. Resolves when the server has ended it too, in TLS and after it had read everything. See
   * docs/decisions/0020-a-clean-end-confirms.md.
   */
  confirm(): Promise<void>
  close(): void
}

const chunk = 65_536

/** Resolves once the server proved itself; until then it was told nothing. Rejects with `syslog_failed`. */
export async function openSyslog(
  receiver: SyslogReceiver,
  { deadline = 30_000, signal }: SyslogBounds = {},
): Promise<SyslogConnection> {
  const tcp = await openTcp(receiver, { deadline, signal })
  try {
    return new Connection(tcp, await authenticate(tcp.stream, receiver, deadline), deadline)
  } catch (error) {
    tcp.destroy()
    throw error
  }
}

class Connection implements SyslogConnection {
  readonly tls: SyslogConnection['tls']
  readonly #tcp: Tcp
  readonly #socket: TLSSocket
  readonly #deadline: number
  /** The server's close_notify. */
  readonly #notified = Promise.withResolvers<undefined>()
  readonly #failed = Promise.withResolvers<never>()
  /** Whether our close_notify is on its way. */
  #ending = false
  #over = false

  constructor(tcp: Tcp, socket: TLSSocket, deadline: number) {
    this.#tcp = tcp
    this.#socket = socket
    this.#deadline = deadline
    this.tls = { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().name }
    this.#failed.promise.catch(() => undefined)
    socket.on('error', cause => this.#fail(isAlert(cause) ? 'refused_by_receiver' : 'connection_lost', cause))
    // By itself it closes when both sides have ended in TLS.
    socket.on('close', () => {
      if (!this.#ending || !socket.readableEnded) this.#fail('connection_lost')
    })
    socket.on('data', () => this.#fail('spoke'))
    socket.on('end', () => {
      // A server may end a connection whenever it likes (RFC 5425 section 4.4). Unasked, it says nothing about what was read.
      if (this.#ending) this.#notified.resolve(undefined)
      else this.#fail('connection_lost')
    })
    if (socket.destroyed) this.#fail('connection_lost')
    tcp.ended.then(
      // What came before the FIN has to pass through TLS first.
      () => setImmediate(() => setImmediate(() => this.#endedBelow())),
      (cause: unknown) => this.#fail('connection_lost', cause),
    )
  }

  async send(messages: Iterable<Uint8Array>): Promise<void> {
    let pieces: Buffer[] = []
    let length = 0
    const flush = async (): Promise<void> => {
      const bytes = Buffer.concat(pieces)
      pieces = []
      length = 0
      if (bytes.length > 0) await this.#within(this.#write(bytes))
    }
    for (const message of messages) {
      const frame = framed(message)
      pieces.push(frame)
      length += frame.length
      if (length >= chunk) await flush()
    }
    await flush()
  }

  async confirm(): Promise<void> {
    const pause = Math.min(2_000, Math.max(50, 4 * this.#tcp.roundTrip))
    // Time for all of it to arrive, and for a server that does not want us to say so.
    await this.#within(sleep(pause))
    this.#ending = true
    this.#socket.end()
    await this.#within(this.#notified.promise)
    await this.#within(this.#tcp.ended)
    // Time for the server's system to say that something came too late to be read (RFC 1122 section 4.2.2.13).
    await sleep(pause)
    await this.#within(this.#tcp.assertNotReset(), 'not_confirmed')
    this.close()
  }

  close(): void {
    this.#fail('connection_lost')
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, error => (error ? reject(error) : resolve()))
    })
  }

  #endedBelow(): void {
    if (!this.#socket.readableEnded) this.#fail(this.#ending ? 'not_confirmed' : 'connection_lost')
  }

  #fail(failure: SyslogFailure, cause?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#failed.reject(syslogFailed(failure, cause))
    this.#socket.destroy()
    this.#tcp.destroy()
  }

  async #within<T>(step: Promise<T>, otherwise: SyslogFailure = 'connection_lost'): Promise<T> {
    const timer = setTimeout(() => this.#fail('timed_out'), this.#deadline)
    const inner = step.catch((cause: unknown): Promise<never> => {
      // What made the connection go was told before, as a rule, and is the better reason.
      this.#fail(otherwise, cause)
      return this.#failed.promise
    })
    try {
      return await Promise.race([this.#failed.promise, inner])
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A TLS alert from the other side, by OpenSSL's name for it. */
function isAlert(error: Error): boolean {
  const code: unknown = 'code' in error ? error.code : undefined
  return typeof code === 'string' && /_ALERT_/.test(code)
}
