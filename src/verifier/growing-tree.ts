import { nodeHash } from '../tlog/index.ts'

/** A tree that leaves are appended to (RFC 6962 section 2.1); of what it saw it keeps one hash for each height. */
export class GrowingTree {
  /** At each height where a complete subtree still waits for a sibling, its root. */
  #waiting: (Buffer | undefined)[]
  #size: number

  constructor(from?: GrowingTree) {
    this.#waiting = [...(from === undefined ? [] : from.#waiting)]
    this.#size = from === undefined ? 0 : from.#size
  }

  get size(): number {
    return this.#size
  }

  /** @param onSubtree is told each subtree that this leaf completes, above the leaf itself. */
  append(leaf: Buffer, onSubtree?: (height: number, hash: Buffer) => void): void {
    let [hash, height] = [leaf, 0]
    for (let left = this.#waiting[0]; left !== undefined; left = this.#waiting[height]) {
      this.#waiting[height] = undefined
      hash = nodeHash(left, hash)
      height += 1
      onSubtree?.(height, hash)
    }
    this.#waiting[height] = hash
    this.#size += 1
  }

  /** Of the leaves so far; at least one. */
  root(): Buffer {
    const [lowest, ...higher] = this.#waiting.filter(hash => hash !== undefined)
    if (lowest === undefined) throw new RangeError('a tree without leaves')
    return higher.reduce((right, left) => nodeHash(left, right), lowest)
  }
}
