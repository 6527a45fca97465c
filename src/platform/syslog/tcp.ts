import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { syslogFailed } from './failure.ts'

/** A TCP connection below TLS, which tells apart what TLS over a socket does not: how the other side ended. */
export interface Tcp {
  /** For TLS. It never ends by itself: where TLS says that the other side ended, the other side said so in TLS. */
  readonly stream: Duplex
  /** Milliseconds that the way there and back took. */
  readonly roundTrip: number
  /** Resolves at the other side's FIN, which comes after everything that it sent. Rejects with what ended the connection otherwise. */
  readonly ended: Promise<undefined>
  /** Rejects when the other side's system has said, be it after its FIN, that something was not read (RST). */
  assertNotReset(): Promise<void>
  destroy(): void
}

export async function openTcp(
  { host, port }: { readonly host: string; readonly port: number },
  { deadline, signal }: { readonly deadline: number; readonly signal: AbortSignal | undefined },
): Promise<Tcp> {
  let began = performance.now()
  const socket = connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    keepAlive: true,
    ...(signal === undefined ? {} : { signal }),
  })
  socket.on('connectionAttempt', () => {
    began = performance.now()
  })
  await connected(socket, deadline)
  const roundTrip = performance.now() - began

  const { promise: ended, resolve, reject } = Promise.withResolvers<undefined>()
  ended.catch(() => undefined)
  const stream = streamOver(socket)
  socket.once('end', () => resolve(undefined))
  socket.on('error', error => {
    reject(error)
    stream.destroy(error)
  })
  socket.once('close', () => {
    reject(new Error('closed'))
    stream.destroy()
  })
  return {
    stream,
    roundTrip,
    ended,
    assertNotReset: () =>
      new Promise((taken, refused) => {
        // Our half is still open. A system that has heard RST takes nothing more; what is taken here is ignored by the other
        // side, whose TLS has ended (RFC 8446 section 6.1).
        socket.write(Uint8Array.of(0), error => (error ? refused(error) : taken()))
      }),
    destroy: () => void socket.destroy(),
  }
}

function connected(socket: Socket, deadline: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(syslogFailed('timed_out'))
    }, deadline)
    const failed = (cause: Error): void => {
      clearTimeout(timer)
      reject(syslogFailed('connect_failed', cause))
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', failed)
      resolve()
    })
  })
}

/** Neither FIN passes: the other side's is told by {@link Tcp.ended}, and ours waits until all is known. */
function streamOver(socket: Socket): Duplex {
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (bytes: Buffer, _encoding, done) => void socket.write(bytes, error => done(error)),
    final: done => done(),
    destroy: (error, done) => done(error),
  })
  // Told to whoever waits; TLS on top of it passes it on.
  stream.on('error', () => undefined)
  socket.on('data', (bytes: Buffer) => {
    if (!stream.push(bytes)) socket.pause()
  })
  return stream
}
