import type { SessionLimits } from '../smtp/limits.ts'

/** Everything of a courier that is a number. Times in milliseconds. */
export interface CourierPolicy {
  readonly retry: RetryPolicy
  readonly rest: RestPolicy
  readonly limits: SessionLimits
  /** Deliveries in memory, ciphertext excluded. */
  readonly held: number
  readonly connections: number
  readonly connectionsPerDestination: number
  readonly messagesPerConnection: number
  /** A connection without work ends after this. */
  readonly idle: number
  /** A connection ends after this, so that it never outlives a change of the destination's rule by more. */
  readonly connectionAge: number
  /** Bytes of ciphertext in memory; one larger message may be there alone. */
  readonly ciphertextBytes: number
  /** How often an empty queue is asked. */
  readonly poll: number
  /** After a failure of the database, until it is asked again. */
  readonly pause: number
  /** After so many attempts in a row that broke something, or after which the courier was dead, an operator decides. */
  readonly strikes: number
  /** How often quarantine is looked through for what is to be given up. */
  readonly quarantineSweep: number
  /** How often the queue is told that we live. Well below the heartbeat of enqueue.ts. */
  readonly heartbeat: number
}

/** When a mail server is left alone for a while, and for how long: longer each time, until it is reached. */
export interface RestPolicy extends RetryPolicy {
  /** After so many failures in a row. */
  readonly after: number
}

export interface RetryPolicy {
  readonly first: number
  readonly max: number
  /** 0.25 spreads a delay by up to a quarter to either side. */
  readonly jitter: number
}

export const standardPolicy: CourierPolicy = {
  retry: { first: 60_000, max: 3_600_000, jitter: 0.25 },
  rest: { after: 5, first: 30_000, max: 600_000, jitter: 0.25 },
  limits: {
    connect: 10_000,
    reply: 30_000,
    opening: 60_000,
    transaction: 90_000,
    bytesPerSecond: 32_768,
  },
  held: 1024,
  connections: 128,
  connectionsPerDestination: 16,
  messagesPerConnection: 500,
  idle: 5_000,
  connectionAge: 60_000,
  ciphertextBytes: 32 * 1024 * 1024,
  poll: 100,
  pause: 1_000,
  strikes: 5,
  quarantineSweep: 60_000,
  heartbeat: 5_000,
}

/** How long to wait after attempt number `attempt` (from 1): doubled each time, capped, spread by `random` in [0, 1). */
export function retryDelay(
  { first, max, jitter }: RetryPolicy,
  attempt: number,
  random: () => number,
): number {
  const delay = Math.min(max, first * 2 ** Math.min(attempt - 1, 30))
  return Math.round(delay * (1 + jitter * (2 * random() - 1)))
}
