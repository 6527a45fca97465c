import type { Duplex } from 'node:stream'
import { outcomeOfRefusal, outcomeOfSocketError, type Step } from '../outcome.ts'
import { SessionFailure } from './failure.ts'
import { type Reply, ReplyReader } from './reply.ts'

/** Command and reply in strict turn, for the part of a session before MAIL FROM. */
export interface Conversation {
  /**
   * Sends `command`, or nothing, and gives the reply with exactly the code `wanted`. Rejects with a
   * {@link SessionFailure}: any other reply, a byte beyond the reply, silence, the end of the connection.
   */
  ask(step: Step, command: string | undefined, wanted: number): Promise<Reply>
  /** Stops listening. The socket belongs to the caller again. Throws when something came that was not asked for. */
  end(): void
}

/** @param replyLimit milliseconds for each reply */
export function converse(socket: Duplex, replyLimit: number): Conversation {
  const reader = new ReplyReader()
  let waiting: { settle(answer: Reply | SessionFailure): void } | undefined
  let last: Step | undefined
  // Nobody tells of a connection that has ended already.
  let broken = socket.destroyed ? new SessionFailure('connection_lost') : undefined

  // Cleared before it is settled: one read from a TLS socket can bring several `data` events at once.
  const settle = (answer: Reply | SessionFailure): void => {
    const asked = waiting
    waiting = undefined
    asked?.settle(answer)
  }
  const breakOff = (failure: SessionFailure): void => {
    broken ??= failure
    settle(broken)
  }
  const onData = (chunk: Buffer): void => {
    // Line by line: what follows a reply is too much, whatever it is.
    let rest = chunk
    let reply: Reply | undefined
    try {
      while (reply === undefined && rest.length > 0) {
        const end = rest.indexOf('\n') + 1 || rest.length
        ;[reply] = reader.push(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
    } catch {
      breakOff(new SessionFailure('protocol_violation'))
      return
    }
    if (waiting === undefined || (reply !== undefined && rest.length > 0)) {
      breakOff(new SessionFailure(last === 'starttls' ? 'starttls_injection' : 'protocol_violation'))
    } else if (reply !== undefined) settle(reply)
  }
  const onError = (error: NodeJS.ErrnoException): void =>
    breakOff(new SessionFailure(outcomeOfSocketError(error.code, 'session'), { cause: error }))
  const onClose = (): void => breakOff(new SessionFailure('connection_lost'))
  socket.on('data', onData).on('error', onError).on('close', onClose).on('end', onClose)

  return {
    async ask(step, command, wanted) {
      if (broken !== undefined) throw broken
      let timer: NodeJS.Timeout | undefined
      const answer = await new Promise<Reply | SessionFailure>(resolve => {
        waiting = { settle: resolve }
        last = step
        timer = setTimeout(() => breakOff(new SessionFailure('timeout')), replyLimit)
        if (command !== undefined) socket.write(`${command}\r\n`)
      })
      clearTimeout(timer)
      if (answer instanceof SessionFailure) throw answer
      if (answer.code === wanted) return answer
      if (answer.code < 400) throw new SessionFailure('protocol_violation', { reply: answer })
      throw new SessionFailure(outcomeOfRefusal(step, answer), { reply: answer })
    },
    end() {
      socket.off('data', onData).off('error', onError).off('close', onClose).off('end', onClose)
      if (broken !== undefined) throw broken
    },
  }
}
