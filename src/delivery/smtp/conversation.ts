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
  /** Stops listening. The socket belongs to the caller again. */
  end(): void
}

/** @param replyLimit milliseconds for each reply */
export function converse(socket: Duplex, replyLimit: number): Conversation {
  const reader = new ReplyReader()
  let waiting: { readonly step: Step; settle(answer: Reply | SessionFailure): void } | undefined
  let broken: SessionFailure | undefined

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
    const surplus = waiting?.step === 'starttls' ? 'starttls_injection' : 'protocol_violation'
    try {
      const [reply, ...more] = reader.push(chunk)
      if (waiting === undefined || more.length > 0 || (reply !== undefined && !reader.atRest)) {
        breakOff(new SessionFailure(surplus))
      } else if (reply !== undefined) settle(reply)
    } catch {
      breakOff(new SessionFailure('protocol_violation'))
    }
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
        waiting = { step, settle: resolve }
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
    },
  }
}
