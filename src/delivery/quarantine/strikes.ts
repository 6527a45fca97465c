import type { AttemptResult } from '../courier/attempt.ts'
import type { Outcome } from '../outcome.ts'

/** What a message can do to a program, ours or the server's. No other outcome tells of a fault of the message. */
const breakages: readonly Outcome[] = ['internal_error', 'protocol_violation']

/**
 * How many attempts in a row have now broken off. Only one that was begun counts: before that, nothing of the message was
 * part of it. One of which there is no result at all, because its courier died, was counted when it began.
 */
export function strikesAfter({ outcome, begun, held }: AttemptResult): number {
  if (!breakages.includes(outcome)) return 0
  return held.delivery.strikes + (begun ? 1 : 0)
}
