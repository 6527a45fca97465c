import type { SealerProcess } from './sealer-process.ts'

/** A process during its time in a slot: how many messages it has, how many it had, whether one is large. */
export class Tenure {
  readonly process: SealerProcess
  #load = 0
  #served = 0
  #hasLarge = false
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

  get hasLarge(): boolean {
    return this.#hasLarge
  }

  enter(large: boolean): () => void {
    this.#load++
    this.#served++
    if (large) this.#hasLarge = true
    return () => {
      this.#load--
      if (large) this.#hasLarge = false
    }
  }

  endAfter(milliseconds: number, end: () => void): void {
    this.#timer = setTimeout(end, milliseconds).unref()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.process.kill()
  }
}
