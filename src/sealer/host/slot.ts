import { setTimeout as sleep } from 'node:timers/promises'
import { SealpostError } from '../../kernel/index.ts'
import type { PoolLimits } from './pool-options.ts'
import { type Opening, SealerProcess } from './sealer-process.ts'
import { Tenure } from './tenure.ts'

const startLimit = 10_000
const longestPause = 5000

/**
 * One place of the pool: always one process, if it can be had. Replaces it when its time is over (the successor is
 * ready first) and when it dies (at once, and slower each time that it dies at birth).
 */
export class Slot {
  readonly #opening: Opening
  readonly #limits: PoolLimits
  /** Called when there may be room. */
  readonly #onRoom: () => void
  #current: Tenure | undefined
  readonly #tenures = new Set<Tenure>()
  #starting = false
  #ended = false

  constructor(opening: Opening, limits: PoolLimits, onRoom: () => void) {
    this.#opening = opening
    this.#limits = limits
    this.#onRoom = onRoom
  }

  /** A process works on one large body at a time. */
  hasRoom(large: boolean): boolean {
    const tenure = this.#current
    if (tenure?.process.alive !== true || tenure.load >= this.#limits.inFlight) return false
    return !(large && tenure.hasLarge)
  }

  /** Messages in its processes, retiring ones included. */
  get load(): number {
    let load = 0
    for (const tenure of this.#tenures) load += tenure.load
    return load
  }

  get pid(): number | undefined {
    return this.#current?.process.pid
  }

  /** The first start: a failure is thrown, not retried. */
  async start(): Promise<void> {
    const greeting = await this.#startOne()
    if (greeting === 'key_refused') throw new SealpostError('passphrase_wrong')
    if (greeting === 'gone') throw new SealpostError('sealer_unavailable', { detail: 'died at birth' })
  }

  /** Takes one place in the current process; only when {@link hasRoom}. The place is given back when `run` ends. */
  take(large: boolean): Place {
    const tenure = this.#current
    if (tenure === undefined) throw new SealpostError('sealer_unavailable')
    const leave = tenure.enter(large)
    return async work => {
      try {
        return await work(tenure.process)
      } finally {
        leave()
        this.#afterMessage(tenure)
      }
    }
  }

  /** Ends every process, at once. */
  end(): void {
    this.#ended = true
    for (const tenure of this.#tenures) tenure.end()
  }

  async gone(): Promise<void> {
    await Promise.all([...this.#tenures].map(tenure => tenure.process.gone))
  }

  #afterMessage(tenure: Tenure): void {
    if (tenure === this.#current && tenure.served >= this.#limits.recycleAfterMessages) this.#replace()
    if (tenure !== this.#current && tenure.load === 0) tenure.end()
    this.#onRoom()
  }

  #replace(): void {
    if (!this.#starting) void this.#startUntilReady()
  }

  async #startUntilReady(): Promise<void> {
    for (let pause = 100; !this.#ended; pause = Math.min(pause * 2, longestPause)) {
      if ((await this.#startOne()) === 'ready') {
        this.#onRoom()
        return
      }
      await sleep(pause, undefined, { ref: false })
    }
  }

  async #startOne(): Promise<'ready' | 'key_refused' | 'gone'> {
    this.#starting = true
    const process = new SealerProcess(this.#limits.heapMegabytes)
    const tenure = new Tenure(process)
    this.#tenures.add(tenure)
    void process.gone.then(() => this.#lost(tenure))
    const timer = setTimeout(() => process.kill(), startLimit)
    const greeting = await process.open(this.#opening)
    clearTimeout(timer)
    this.#starting = false
    if (greeting !== 'ready' || this.#ended) tenure.end()
    else this.#succeed(tenure)
    return greeting
  }

  #succeed(tenure: Tenure): void {
    const former = this.#current
    this.#current = tenure
    tenure.endAfter(this.#limits.recycleAfterSeconds * 1000, () => this.#replace())
    if (former?.load === 0) former.end()
  }

  #lost(tenure: Tenure): void {
    this.#tenures.delete(tenure)
    tenure.end()
    if (tenure !== this.#current) return
    this.#current = undefined
    if (!this.#ended) this.#replace()
  }
}

/** Runs work in the process that the place was taken in. */
export type Place = <T>(work: (process: SealerProcess) => Promise<T>) => Promise<T>
