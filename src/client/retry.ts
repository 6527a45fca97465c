import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SealpostApiError } from './error.ts'

export interface Patience {
  /** How often a failed request is tried again. */
  readonly retries: number
  /** Milliseconds before the first of them; each later one waits twice as long, {@link longest} at most. */
  readonly delay: number
}

const longest = 8_000
/** Who is asked to wait for longer than this, in seconds, is told so instead. */
const longestAsked = 60

/**
 * Tries until it works, fails for good, or `patience` ends. `mayRepeat` is asked before each further try.
 */
export async function persist<Result>(
  patience: Patience,
  attempt: () => Promise<Result>,
  mayRepeat: () => boolean,
  signal?: AbortSignal,
): Promise<Result> {
  for (let failed = 0; ; failed += 1) {
    try {
      return await attempt()
    } catch (error) {
      const wait = waitAfter(error, patience, failed)
      if (wait === undefined || failed >= patience.retries || !mayRepeat()) throw error
      await sleep(wait, undefined, { signal })
    }
  }
}

/** Milliseconds until it is worth another try, with jitter; undefined when it is not. */
export function waitAfter(
  error: unknown,
  { delay }: Pick<Patience, 'delay'>,
  failed: number,
): number | undefined {
  if (!(error instanceof SealpostApiError) || !error.retryable) return undefined
  const { retryAfterSeconds: asked = 0 } = error
  if (asked > longestAsked) return undefined
  const backoff = Math.min(longest, delay * 2 ** Math.min(failed, 16))
  // Many clients that failed together shall not come back together.
  return Math.max(asked * 1_000, backoff / 2) + randomInt(Math.ceil(backoff / 2) + 1)
}
