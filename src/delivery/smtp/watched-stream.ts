import { Duplex } from 'node:stream'
import type { Step } from '../outcome.ts'
import type { Commands } from './commands.ts'
import { SessionFailure } from './failure.ts'
import type { SessionLimits } from './limits.ts'
import type { Channel } from './open-channel.ts'
import { type Reply, ReplyReader } from './reply.ts'

/** What the server said of one message. */
export interface Exchange {
  /** The first 4xx or 5xx. */
  refusal: { readonly step: Step; readonly reply: Reply } | undefined
  /** The exact 250 to the final dot. */
  accepted: Reply | undefined
}

export interface WatchedStream {
  /** What the SMTP library is given instead of the socket. */
  readonly stream: Duplex
  /** Begins a message of `size` bytes, bounded in time. The library may say `commands`, in turn, and DATA. */
  begin(commands: Commands, size: number): Exchange
  /** Why the channel ended; undefined while it serves. */
  readonly failure: SessionFailure | undefined
  end(failure: SessionFailure): void
}

// Exactly these mean success (RFC 5321 section 4.3.2). Another 2xx or 3xx is not understood, so not believed.
const success: Record<'mail' | 'rcpt' | 'data' | 'message', readonly number[]> = {
  mail: [250],
  rcpt: [250, 251],
  data: [354],
  message: [250],
}
type MailStep = keyof typeof success

/**
 * Stands between an authenticated channel and nodemailer, which is lax where we must be strict: it takes a reply's first
 * digit for the whole, `250` for `354`, and a reply to nothing for the reply to the next command. Here each reply is
 * matched to the command that asked for it; anything else ends the channel. The library itself is shown only codes: not
 * one byte of the server reaches it, its greeting and EHLO are answered here with the extensions that we want used.
 */
export function watchStream(
  { socket, extensions, requireTls }: Channel,
  limits: SessionLimits,
): WatchedStream {
  const reader = new ReplyReader()
  let expected: MailStep[] = []
  let foreseen: (readonly [MailStep, string])[] = []
  let exchange: Exchange | undefined
  let inData = false
  let tail = ''
  let failure: SessionFailure | undefined
  let replyTimer: NodeJS.Timeout | undefined
  let messageTimer: NodeJS.Timeout | undefined

  const end = (cause: SessionFailure): void => {
    if (failure !== undefined) return
    failure = cause
    clearTimeout(replyTimer)
    clearTimeout(messageTimer)
    socket.destroy()
    stream.destroy()
  }
  const tooLate = (): void => end(new SessionFailure('timeout'))
  const expect = (step: MailStep): void => {
    if (expected.length === 0) restart()
    expected.push(step)
  }
  const restart = (): void => {
    clearTimeout(replyTimer)
    replyTimer = setTimeout(tooLate, limits.reply)
  }

  /** Matches a reply to its command; gives what the library may see of it, or nothing when the channel ended. */
  const match = (reply: Reply): string => {
    const step = expected.shift()
    if (expected.length === 0) clearTimeout(replyTimer)
    else restart()
    if (step === undefined || exchange === undefined) {
      // RFC 5321 section 3.8: 421 may come at any time, before the server hangs up.
      end(new SessionFailure(reply.code === 421 ? 'server_busy' : 'protocol_violation', { reply }))
      return ''
    }
    if (reply.code >= 400) exchange.refusal ??= { step, reply }
    else if (!success[step].includes(reply.code)) {
      end(new SessionFailure('protocol_violation', { reply }))
      return ''
    }
    if (step === 'message') {
      clearTimeout(messageTimer)
      if (reply.code === 250) exchange.accepted = reply
    }
    if (step === 'data' && reply.code === 354) {
      inData = true
      tail = '\r\n'
    }
    return `${reply.code} -\r\n`
  }

  /** Notes what the library asks, so that the replies can be matched. Says no to anything that is not foreseen, byte by byte. */
  const noteCommands = (text: string): boolean =>
    text.endsWith('\r\n') &&
    text
      .slice(0, -2)
      .split('\r\n')
      .every(line => {
        const [step, command] = foreseen.shift() ?? []
        if (step === undefined || line !== command) return false
        expect(step)
        return true
      })
  /** Stuffed content holds the final dot's five bytes only at its end (RFC 5321 section 4.5.2). */
  const noteContent = (chunk: Buffer): void => {
    tail = (tail + chunk.subarray(-5).toString('latin1')).slice(-5)
    if (tail !== '\r\n.\r\n') return
    inData = false
    expect('message')
  }

  const forward = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    if (inData) noteContent(bytes)
    else if (bytes.subarray(0, 5).toString('latin1') === 'EHLO ') {
      stream.push(ehloReply(extensions, requireTls))
      done()
      return
    } else if (!noteCommands(bytes.toString('latin1'))) {
      end(new SessionFailure('internal_error'))
      done()
      return
    }
    // Content and final dot come in two writes; corked, they leave in one.
    socket.cork()
    const takesMore = socket.write(bytes)
    setImmediate(() => socket.uncork())
    if (takesMore) done()
    else socket.once('drain', done)
  }

  const stream: Duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => forward(chunk, done),
    writev: (chunks, done) => forward(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    destroy(error, done) {
      end(new SessionFailure('connection_lost', { cause: error }))
      done(null)
    },
  })
  // The library sets timeouts on its socket; the bounds here take their place.
  Object.assign(stream, { setTimeout: () => stream })
  stream.push('220 -\r\n')

  socket
    .on('data', (chunk: Buffer) => {
      try {
        // All are matched before the library sees one: it would ask on at once, and make the next reply look asked for.
        let seen = ''
        for (const reply of reader.push(chunk)) if (failure === undefined) seen += match(reply)
        if (failure === undefined && seen !== '') stream.push(seen)
      } catch (error) {
        end(error instanceof SessionFailure ? error : new SessionFailure('internal_error', { cause: error }))
      }
    })
    .on('close', () => end(new SessionFailure('connection_lost')))
    .on('end', () => end(new SessionFailure('connection_lost')))
  socket.resume()

  return {
    stream,
    begin({ mail, rcpt }, size) {
      const begun: Exchange = { refusal: undefined, accepted: undefined }
      exchange = begun
      expected = []
      foreseen = [
        ['mail', mail],
        ['rcpt', rcpt],
        ['data', 'DATA'],
      ]
      inData = false
      clearTimeout(messageTimer)
      const limit = limits.transaction + (size / limits.bytesPerSecond) * 1000
      messageTimer = setTimeout(tooLate, limit)
      return begun
    },
    get failure() {
      return failure
    },
    end,
  }
}

function ehloReply({ pipelining, size, dsn }: Channel['extensions'], requireTls: boolean): string {
  const lines = [
    '-',
    ...(pipelining ? ['PIPELINING'] : []),
    ...(size === undefined ? [] : [`SIZE ${size}`]),
    ...(dsn ? ['DSN'] : []),
    ...(requireTls ? ['REQUIRETLS'] : []),
  ]
  return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('')
}
