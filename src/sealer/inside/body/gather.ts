import { tooLarge } from './refused.ts'

/** Up to here room grows by doubling; then the most that there may be is taken at once. */
const growing = 1024 * 1024

/**
 * Bytes that come in pieces and end up in one place: copied once, and nowhere left behind. Room that is not used yet costs
 * addresses only, no memory, because the system gives pages when they are written to.
 */
export class Gathered {
  readonly #most: number
  #room = new Uint8Array()
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#size
  }

  /** Copies the piece behind the others. Throws `body_too_large`. */
  add(piece: Uint8Array): void {
    const size = this.#size + piece.length
    if (size > this.#most) throw tooLarge()
    if (size > this.#room.length) this.#grow(size)
    this.#room.set(piece, this.#size)
    this.#size = size
  }

  /** A view, which is good once nothing is added any more. */
  view(start = 0, end = this.#size): Uint8Array {
    return this.#room.subarray(start, end)
  }

  wipe(): void {
    this.view().fill(0)
    this.#room = new Uint8Array()
    this.#size = 0
  }

  #grow(size: number): void {
    const wanted = size > growing ? this.#most : Math.min(Math.max(size, this.#room.length * 2), this.#most)
    const room = new Uint8Array(wanted)
    const former = this.view()
    room.set(former)
    former.fill(0)
    this.#room = room
  }
}
