import { type ApplicationId, SealpostError } from '../../../kernel/index.ts'

/** What one request takes of the gateway's memory, and of its turns for large bodies. */
export interface Share {
  /**
   * So many more bytes have come. A body that turns out to be large waits here for its turn: before it has a place in a sealer. Throws
   * `overloaded` when there is no room for them, or no turn in time.
   */
  take(bytes: number): Promise<void>
  /** It will be there once for each recipient. Throws `overloaded` likewise. */
  multiply(recipients: number): void
}

export interface BodiesInFlight {
  /**
   * Runs what needs a request's body, of which `announced` bytes are to come. Its share is given back when `work` is done. Throws
   * `overloaded` when so much cannot be taken now, and what `work` throws.
   */
  hold<Result>(
    application: ApplicationId,
    announced: number,
    work: (share: Share) => Promise<Result>,
  ): Promise<Result>
  /** Bytes of all requests under way. */
  bytes(): number
}

interface Bounds {
  /** Bytes that all requests under way have brought together; of one application, half of that. Default 256 MiB. */
  readonly bytes?: number
  /** Large bodies worked on at a time: one for each sealer. */
  readonly large: number
  /** Milliseconds that one waits for its turn. Default 60,000. */
  readonly wait?: number
}

/** More than this is a large body. A smaller one is read whole before it has a place in a sealer. */
export const largeBody = 1024 * 1024

/**
 * Bounds what bodies take of the gateway's memory: what they weigh while they are here, until their messages are committed. The request
 * that is alone, in the gateway or of its application, is never too heavy: how large one may be is for others to say.
 */
export function openBodiesInFlight({ bytes: most = 256 * 1024 * 1024, large, wait }: Bounds): BodiesInFlight {
  const byApplication = new Map<ApplicationId, { bytes: number; requests: number }>()
  const all = { bytes: 0, requests: 0 }
  const turns = openTurns(large, wait)

  return {
    async hold(application, announced, work) {
      const own = byApplication.get(application) ?? { bytes: 0, requests: 0 }
      byApplication.set(application, own)
      const assertRoom = (more: number): void => {
        const full = all.requests > 1 && all.bytes + more > most
        if (full || (own.requests > 1 && own.bytes + more > most / 2)) throw new SealpostError('overloaded')
      }
      let weight = 0
      let release: (() => void) | undefined
      const grow = (more: number): void => {
        assertRoom(more)
        weight += more
        own.bytes += more
        all.bytes += more
      }
      own.requests++
      all.requests++
      try {
        // Not counted before it comes: else it would cost nothing to take all the room.
        assertRoom(announced)
        return await work({
          async take(bytes) {
            grow(bytes)
            if (weight > largeBody) release ??= await turns.wait(application)
          },
          multiply: recipients => grow(weight * (recipients - 1)),
        })
      } finally {
        release?.()
        own.requests--
        all.requests--
        own.bytes -= weight
        all.bytes -= weight
        if (own.requests === 0) byApplication.delete(application)
      }
    },
    bytes: () => all.bytes,
  }
}

interface Waiter {
  readonly application: ApplicationId
  readonly admit: () => void
}

/**
 * So many turns at a time; the next goes to the application that has the fewest, then to the one that had its last one longest ago,
 * then to who waited longest: whoever asks often waits behind itself.
 */
function openTurns(count: number, longest = 60_000) {
  const taken = new Map<ApplicationId, number>()
  /** As many as operators registered. */
  const lastOf = new Map<ApplicationId, number>()
  let given = 0
  const waiting = new Set<Waiter>()
  let free = count

  const give = (application: ApplicationId): (() => void) => {
    free--
    taken.set(application, (taken.get(application) ?? 0) + 1)
    lastOf.set(application, ++given)
    return () => {
      free++
      const left = (taken.get(application) ?? 1) - 1
      if (left === 0) taken.delete(application)
      else taken.set(application, left)
      next()?.admit()
    }
  }
  const comesBefore = (a: ApplicationId, b: ApplicationId): boolean => {
    const more = (taken.get(a) ?? 0) - (taken.get(b) ?? 0)
    return more < 0 || (more === 0 && (lastOf.get(a) ?? 0) < (lastOf.get(b) ?? 0))
  }
  const next = (): Waiter | undefined => {
    let best: Waiter | undefined
    for (const waiter of waiting) {
      if (best === undefined || comesBefore(waiter.application, best.application)) best = waiter
    }
    return best
  }
  return {
    /** Resolves with what gives the turn back. Throws `overloaded`. */
    wait(application: ApplicationId): Promise<() => void> {
      if (free > 0) return Promise.resolve(give(application))
      return new Promise((resolve, reject) => {
        const waiter = {
          application,
          admit: () => {
            clearTimeout(timer)
            waiting.delete(waiter)
            resolve(give(application))
          },
        }
        const timer = setTimeout(() => {
          waiting.delete(waiter)
          reject(new SealpostError('overloaded'))
        }, longest)
        waiting.add(waiter)
      })
    },
  }
}
