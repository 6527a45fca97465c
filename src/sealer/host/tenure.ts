import type { SealerProcess } from './sealer-process.ts'

/** A process during its time in a slot: how many messages it has, how many it had, whose turn a large one is. */
export class Tenure {
  readonly process: SealerProcess
  #load = 0
  #served = 0
  #lastLarge: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(process: SealerProcess) {
    this.process = process
  }

  get load(): number {
    return this.#load
  }

  get served(): number {
    return this.#served
  }

  enter(): () => void {
    this.#load++
    this.#served++
    return () => {
      this.#load--
    }
  }

  /** A turn in the line of large bodies, taken when `wait` is called; `release` lets the next one in. */
  largeTurn(): { wait: () => Promise<void>; release: () => void } {
    let release = () => {
      // Nothing was waited for.
    }
    const wait = () => {
      const before = this.#lastLarge
      this.#lastLarge = new Promise(resolve => {
        release = resolve
      })
      return before
    }
    return { wait, release: () => release() }
  }

  endAfter(milliseconds: number, end: () => void): void {
    this.#timer = setTimeout(end, milliseconds).unref()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.process.kill()
  }
}
