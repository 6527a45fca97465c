import type { FailureOutcome } from '../outcome.ts'
import type { HandshakeFacts } from '../tls-verdict.ts'
import type { Reply } from './reply.ts'

/** A session that ended without a delivery, by its outcome. Never carries words of the peer but in `reply`. */
export class SessionFailure extends Error {
  readonly outcome: FailureOutcome
  readonly reply: Reply | undefined
  /** What the handshake showed that was not good enough. */
  readonly shown: HandshakeFacts | undefined
  override readonly name = 'SessionFailure'

  constructor(
    outcome: FailureOutcome,
    details: { readonly reply?: Reply; readonly cause?: unknown; readonly shown?: HandshakeFacts } = {},
  ) {
    super(outcome, { cause: details.cause })
    this.outcome = outcome
    this.reply = details.reply
    this.shown = details.shown
  }
}
