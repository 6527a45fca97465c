const [second, minute, hour] = [1000, 60_000, 3_600_000]

/** Milliseconds until the next attempt, after so many: what Standard Webhooks proposes, 76 hours in all. */
const waits = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
] as const

/** When a call that failed at its `attempts`-th attempt is tried again; undefined: not any more. Spread out by a tenth. */
export function nextAttempt(attempts: number, at: Date, random: () => number): Date | undefined {
  const wait = waits[attempts - 1]
  return wait === undefined ? undefined : new Date(at.getTime() + wait * (1 + random() / 10))
}

/** A webhook at which nothing succeeded for that long is disabled, in milliseconds. */
export const failingAtMost = 5 * 24 * hour

/** A webhook that has failed for a while is left alone for half as long again, 5 minutes at most. */
export const pause = { least: 5, most: 300 } as const
