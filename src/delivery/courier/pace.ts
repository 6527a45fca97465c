/** How fast one replica may send to a destination. */
export interface Pace {
  /** Milliseconds until a message may go; 0: now. */
  readonly wait: number
  /** Counts a message that goes now. */
  take(): void
  /** Takes back one that did not go. */
  giveBack(): void
  /** How many messages are worth holding in memory: those of the next seconds. */
  readonly worthHolding: number
  /**
   * Promises the turn after those of `ahead` messages and of all earlier promises to one that is not held here; gives
   * when that is, in milliseconds from now, but a quarter of an hour at most.
   */
  promise(ahead: number): number
  /** How far the promises go, in milliseconds. */
  readonly promised: number
}

export interface Paces {
  /** The pace under this name, from now on so fast; undefined when there is no limit. */
  of(name: string, perMinute: number | undefined): Pace | undefined
}

const minute = 60_000
const holdFor = 10_000
const furthest = 15 * minute

/**
 * Token buckets. Each holds what a second brings, at least one: within any minute, no more goes than the limit and that.
 *
 * @param now milliseconds of a clock that never goes back
 */
export function openPaces(now: () => number): Paces {
  const paces = new Map<string, Pace & { readonly perMinute: number; readonly isFull: boolean }>()
  return {
    of(name, perMinute) {
      const known = paces.get(name)
      if (known?.perMinute === perMinute) return known
      // One that is full has nothing to remember.
      for (const [other, pace] of paces) if (pace.isFull) paces.delete(other)
      paces.delete(name)
      if (perMinute === undefined) return undefined
      const pace = openPace(perMinute, now)
      paces.set(name, pace)
      return pace
    },
  }
}

function openPace(
  perMinute: number,
  now: () => number,
): Pace & { readonly perMinute: number; readonly isFull: boolean } {
  const interval = minute / perMinute
  const size = Math.max(1, Math.floor(1_000 / interval))
  let tokens = size
  let at = now()
  let promisedUntil = 0

  const refill = (): void => {
    const time = now()
    tokens = Math.min(size, tokens + (time - at) / interval)
    at = time
  }
  return {
    perMinute,
    get isFull() {
      refill()
      return tokens === size && promisedUntil <= at
    },
    get wait() {
      refill()
      // Timers are early by a fraction of a millisecond, and sums of fractions a little short of one.
      return tokens >= 0.999 ? 0 : Math.ceil((1 - tokens) * interval)
    },
    take() {
      refill()
      tokens -= 1
    },
    giveBack() {
      tokens = Math.min(size, tokens + 1)
    },
    worthHolding: Math.max(1, Math.ceil(holdFor / interval)),
    promise(ahead) {
      const turn = Math.max(now() + ahead * interval, promisedUntil) + interval
      promisedUntil = Math.min(turn, now() + furthest)
      return promisedUntil - now()
    },
    get promised() {
      return Math.max(0, promisedUntil - now())
    },
  }
}
