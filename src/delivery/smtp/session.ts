import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { TlsEvidence } from '../../audit/index.ts'
import type { Address } from '../../kernel/index.ts'
import { type Outcome, outcomeOfRefusal } from '../outcome.ts'
import type { WireMessage } from '../wire-message.ts'
import { commandsOf } from './commands.ts'
import { SessionFailure } from './failure.ts'
import type { SessionLimits } from './limits.ts'
import type { Channel } from './open-channel.ts'
import type { Reply } from './reply.ts'
import { type Exchange, type WatchedStream, watchStream } from './watched-stream.ts'

export interface Envelope {
  readonly from: Address
  readonly to: Address
}

/** What is asked of the servers on the way, where they offer it. REQUIRETLS is a matter of the route, not of a message. */
export interface SendOptions {
  /** RFC 3461: a report holds our headers only, and names the delivery by `envid`: printable ASCII without `+` and `=`. */
  readonly dsn?: { readonly envid: string }
}

export interface SendResult {
  readonly outcome: Outcome
  readonly reply: Reply | undefined
}

/** One authenticated connection, for one message after the other. */
export interface Session {
  readonly evidence: TlsEvidence
  /** Whether another message may be sent: all so far were delivered and the server is still there. */
  readonly usable: boolean
  /** Sends one message to one mailbox. Never rejects; the outcome is `delivered` only on an exact 250 to the final dot. */
  send(envelope: Envelope, message: WireMessage, options?: SendOptions): Promise<SendResult>
  /** Says QUIT, when that can be said, and hangs up. */
  close(): void
  /** Hangs up at once. A message under way ends with `connection_lost`. */
  abort(): void
}

/** Opens nodemailer's SMTP conversation over an authenticated channel. Rejects with a {@link SessionFailure}. */
export async function startSession(channel: Channel, limits: SessionLimits): Promise<Session> {
  const watched = watchStream(channel, limits)
  const connection = new SMTPConnection({
    // It touches the socket as a stream and by setTimeout, which the stream has (test/delivery/nodemailer-canary.test.ts).
    connection: watched.stream as unknown as Socket,
    secure: true,
    secured: true,
    // Goes to our own stream only.
    name: 'watched',
    logger: false,
  })
  // What failed is known from the watched stream; an unheard `error` would end the process.
  connection.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    connection.once('end', () => reject(watched.failure ?? new SessionFailure('internal_error')))
    connection.connect(error =>
      error === undefined ? resolve() : reject(new SessionFailure('internal_error')),
    )
  })

  let inStep = true
  return {
    evidence: channel.evidence,
    get usable() {
      return inStep && watched.failure === undefined
    },
    async send(envelope, message, options = {}) {
      if (watched.failure !== undefined) return { outcome: 'connection_lost', reply: undefined }
      const limit = channel.extensions.size
      if (limit !== undefined && limit > 0 && message.size > limit) {
        return { outcome: 'message_too_large', reply: undefined }
      }
      const commands = commandsOf(envelope, message.size, channel, options)
      if (commands === undefined) return { outcome: 'internal_error', reply: undefined }
      const exchange = watched.begin(commands, message.size)
      await transmit(connection, envelope, message, { ...options, requireTls: channel.requireTls })
      const result = resultOf(exchange, watched)
      inStep &&= result.outcome === 'delivered'
      return result
    },
    abort: () => watched.end(new SessionFailure('connection_lost')),
    close() {
      if (watched.failure !== undefined) return
      channel.socket.end('QUIT\r\n')
      const grace = setTimeout(() => watched.end(new SessionFailure('connection_lost')), 1000)
      channel.socket.once('close', () => clearTimeout(grace))
    },
  }
}

/** Resolves when the library is done with the message, however it went. */
function transmit(
  connection: SMTPConnection,
  { from, to }: Envelope,
  message: WireMessage,
  { dsn, requireTls }: SendOptions & Pick<Channel, 'requireTls'>,
): Promise<void> {
  const envelope = {
    from,
    to: [to],
    size: message.size,
    requireTLSExtensionEnabled: requireTls,
    ...(dsn === undefined ? {} : { dsn: { ret: 'HDRS', envid: dsn.envid, notify: 'FAILURE,DELAY' } }),
  }
  return new Promise(resolve => {
    connection.once('end', resolve)
    connection.send(envelope, bodyOf(message), () => {
      connection.off('end', resolve)
      resolve()
    })
  })
}

/** A small message in one write, a large one piece by piece as the peer takes it. */
function bodyOf(message: WireMessage): Buffer | Readable {
  return message.size <= 65_536
    ? Buffer.concat([...message.chunks()])
    : Readable.from(message.chunks(), { objectMode: false })
}

function resultOf({ accepted, refusal }: Exchange, { failure }: WatchedStream): SendResult {
  if (refusal !== undefined)
    return { outcome: outcomeOfRefusal(refusal.step, refusal.reply), reply: refusal.reply }
  // Also when the server hangs up right after it: from the 250 on, the message is its responsibility.
  if (accepted !== undefined) return { outcome: 'delivered', reply: accepted }
  return { outcome: failure?.outcome ?? 'internal_error', reply: failure?.reply }
}
