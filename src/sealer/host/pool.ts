import { setTimeout as sleep } from 'node:timers/promises'
import { type Plaintext, reveal, SealpostError, wipe } from '../../kernel/index.ts'
import type { BodyForm, MessageFacts, SealTarget, Task } from '../protocol.ts'
import {
  defaultAttachmentBytes,
  defaultLimits,
  type PoolLimits,
  type SealerPoolOptions,
} from './pool-options.ts'
import {
  checkOn,
  type OnSealer,
  type Resolve,
  type SealedMessage,
  type StartedBody,
  sealOn,
} from './seal-on.ts'
import type { Opening } from './sealer-process.ts'
import { type Place, Slot } from './slot.ts'

export interface SealerPool {
  /**
   * Seals one message: streams the body to a sealer (each chunk is wiped when it has been sent), asks `resolve` for one
   * target per recipient, in the order of `metadata.to`, and returns a ciphertext for each that passed the gate.
   *
   * Throws `invalid_json`, `invalid_multipart`, `invalid_message`, `header_injection`, `sad_detected`, `pan_not_allowed_here`,
   * `metadata_not_removable` (with `details.errors`), `body_too_large`, `overloaded`, `sealer_unavailable`, `outbound_gate_refused`, `stopping`, and unchanged whatever the body's
   * iterator or `resolve` throws. Nothing of a failed message remains.
   */
  seal<Target extends SealTarget>(
    body: AsyncIterable<Plaintext>,
    form: BodyForm,
    resolve: Resolve<Target>,
  ): Promise<SealedMessage<Target>>
  /**
   * The dry run: reads and judges a message as {@link seal} does, though it need not have content, seals nothing and forgets all of
   * it. Throws as `seal` does before it asks for targets.
   */
  check(body: AsyncIterable<Plaintext>, form: BodyForm): Promise<MessageFacts>
  /** Process ids of the sealers that take messages now. */
  pids(): readonly number[]
  /** Messages in work and waiting, for the metrics. */
  load(): { readonly inFlight: number; readonly waiting: number }
  /** Takes no new message, finishes those it has for at most `deadline` milliseconds, then ends every process. */
  close(deadline: number): Promise<void>
}

/** Opens a pool. Throws `passphrase_wrong` when the key-encryption key does not open the wrapped key. */
export async function openSealerPool(options: SealerPoolOptions): Promise<SealerPool> {
  const { key, processes = 2, limits, attachmentBytes = defaultAttachmentBytes } = options
  const pool = new Pool({ ...key, attachmentBytes }, processes, { ...defaultLimits, ...limits })
  await pool.start()
  return pool
}

/**
 * Bodies up to here are read before they take a place in a process: a slow client blocks nobody with a small one. Of large ones a
 * process works on one at a time; those that wait for it hold no place.
 */
const largeBody = 1024 * 1024

interface Waiter {
  readonly large: boolean
  readonly admit: (place: Place) => void
  readonly refuse: (error: SealpostError) => void
}

class Pool implements SealerPool {
  readonly #limits: PoolLimits
  readonly #attachmentBytes: number
  readonly #slots: readonly Slot[]
  readonly #waiting = new Set<Waiter>()
  #closing = false
  #idle: (() => void) | undefined

  constructor(opening: Opening, processes: number, limits: PoolLimits) {
    this.#limits = limits
    this.#attachmentBytes = opening.attachmentBytes
    this.#slots = Array.from(
      { length: processes },
      () => new Slot(opening, limits, () => this.#admitWaiting()),
    )
  }

  async start(): Promise<void> {
    try {
      await Promise.all(this.#slots.map(slot => slot.start()))
    } catch (error) {
      this.#end()
      throw error
    }
  }

  seal<Target extends SealTarget>(
    body: AsyncIterable<Plaintext>,
    form: BodyForm,
    resolve: Resolve<Target>,
  ): Promise<SealedMessage<Target>> {
    return this.#work(body, { purpose: 'seal', form }, on => sealOn(on, resolve))
  }

  check(body: AsyncIterable<Plaintext>, form: BodyForm): Promise<MessageFacts> {
    return this.#work(body, { purpose: 'check', form }, checkOn)
  }

  async #work<Result>(
    body: AsyncIterable<Plaintext>,
    task: Task,
    work: (on: OnSealer) => Promise<Result>,
  ): Promise<Result> {
    if (this.#closing) throw new SealpostError('stopping')
    const started = await startBody(body)
    try {
      const run = await this.#place(started.rest !== undefined)
      return await run(process =>
        work({
          process,
          task,
          body: started,
          limit: this.#limits.answer,
          attachmentBytes: this.#attachmentBytes,
        }),
      )
    } catch (error) {
      for (const chunk of started.head) wipe(chunk)
      await started.rest?.return?.()
      throw error
    }
  }

  pids(): readonly number[] {
    return this.#slots.flatMap(slot => slot.pid ?? [])
  }

  load(): { inFlight: number; waiting: number } {
    return { inFlight: this.#inFlight(), waiting: this.#waiting.size }
  }

  async close(deadline: number): Promise<void> {
    this.#closing = true
    const idle = new Promise<void>(resolve => {
      this.#idle = resolve
    })
    this.#admitWaiting()
    const abort = new AbortController()
    await Promise.race([idle, sleep(deadline, undefined, { signal: abort.signal }).catch(() => undefined)])
    abort.abort()
    this.#end()
    await Promise.all(this.#slots.map(slot => slot.gone()))
  }

  #end(): void {
    this.#closing = true
    for (const waiter of this.#waiting) waiter.refuse(new SealpostError('stopping'))
    for (const slot of this.#slots) slot.end()
  }

  #inFlight(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.load, 0)
  }

  /** The least loaded process that has room, at once or when its turn comes. */
  async #place(large: boolean): Promise<Place> {
    if (this.#closing) throw new SealpostError('stopping')
    const slot = this.#freeSlot(large)
    if (slot !== undefined && !this.#waits(large)) return slot.take(large)
    if (this.#waiting.size >= this.#limits.waiting) throw new SealpostError('overloaded')
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#waiting.delete(waiter)
      }
      const waiter: Waiter = {
        large,
        admit: place => {
          settle()
          resolve(place)
        },
        refuse: error => {
          settle()
          reject(error)
        },
      }
      const longest = large ? this.#limits.waitLarge : this.#limits.wait
      const timer = setTimeout(() => waiter.refuse(new SealpostError('overloaded')), longest)
      this.#waiting.add(waiter)
    })
  }

  /** Whether one of the kind waits already, and comes first. */
  #waits(large: boolean): boolean {
    for (const waiter of this.#waiting) if (waiter.large === large) return true
    return false
  }

  #freeSlot(large: boolean): Slot | undefined {
    let best: Slot | undefined
    for (const slot of this.#slots) {
      if (slot.hasRoom(large) && (best === undefined || slot.load < best.load)) best = slot
    }
    return best
  }

  #admitWaiting(): void {
    for (const waiter of this.#waiting) {
      const slot = this.#freeSlot(waiter.large)
      if (slot !== undefined) waiter.admit(slot.take(waiter.large))
      else if (!waiter.large) break
    }
    if (this.#closing && this.#inFlight() === 0 && this.#waiting.size === 0) this.#idle?.()
  }
}

async function startBody(body: AsyncIterable<Plaintext>): Promise<StartedBody> {
  const rest = body[Symbol.asyncIterator]()
  const head: Plaintext[] = []
  try {
    for (let size = 0; size <= largeBody; ) {
      const next = await rest.next()
      if (next.done === true) return { head, rest: undefined }
      head.push(next.value)
      size += reveal(next.value).length
    }
  } catch (error) {
    for (const chunk of head) wipe(chunk)
    throw error
  }
  return { head, rest }
}
