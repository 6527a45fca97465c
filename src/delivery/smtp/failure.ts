import type { FailureOutcome } from '../outcome.ts'
import type { Reply } from './reply.ts'

/** A session that ended without a delivery, by its outcome. Never carries words of the peer but in `reply`. */
export class SessionFailure extends Error {
  readonly outcome: FailureOutcome
  readonly reply: Reply | undefined
  override readonly name = 'SessionFailure'

  constructor(outcome: FailureOutcome, details: { readonly reply?: Reply; readonly cause?: unknown } = {}) {
    super(outcome, { cause: details.cause })
    this.outcome = outcome
    this.reply = details.reply
  }
}
