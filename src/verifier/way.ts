import type { GrowingTree } from './growing-tree.ts'
import type { SignedHead } from './reading/notes.ts'
import type { Find, FindingCode } from './report.ts'

export interface Mark {
  readonly head: SignedHead
  /** What it means when the tree was another at that size. */
  readonly otherwise: FindingCode & ('checkpoint_wrong' | 'forked')
}

/** Holds a growing tree against the checkpoints on its way. */
export class Way {
  readonly #marks: readonly Mark[]
  readonly #find: Find
  #at = 0
  #agreed = 0
  #anchored = 0
  #size = 0

  constructor(marks: readonly Mark[], find: Find) {
    this.#marks = marks.toSorted((a, b) => a.head.size - b.head.size)
    this.#find = find
  }

  /** Checkpoints that the tree agreed with. */
  get agreed(): number {
    return this.#agreed
  }

  /** The size of the last that the tree agreed with: leaves before it are as they were. */
  get size(): number {
    return this.#size
  }

  /** The same, of the checkpoints that came from outside. */
  get anchored(): number {
    return this.#anchored
  }

  check(tree: GrowingTree): void {
    for (let mark = this.#marks[this.#at]; mark?.head.size === tree.size; mark = this.#marks[this.#at]) {
      this.#at += 1
      if (tree.root().equals(mark.head.root)) {
        this.#agreed += 1
        this.#size = tree.size
        if (mark.otherwise === 'forked') this.#anchored = tree.size
      } else {
        // Who has the log's key can sign checkpoints that agree: from outside, only what came from outside counts.
        const agreed = mark.otherwise === 'forked' ? this.#anchored : this.#size
        this.#find(mark.otherwise, mark.head.where, agreed, tree.size)
      }
    }
  }
}
