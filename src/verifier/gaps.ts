/** Leaves from `first` up to but not including `next`. */
export interface Run {
  readonly first: number
  readonly next: number
}

/** More runs than this are not kept: the rest of the leaves then counts as one. */
const mostRuns = 100_000

/** Notes which leaves were not met, of leaves that are told in growing order. */
export function openGaps(): {
  readonly met: (leaf: number) => void
  readonly until: (size: number) => readonly Run[]
} {
  const gaps: Run[] = []
  let next = 0
  const close = (leaf: number): void => {
    if (leaf > next) gaps.push({ first: next, next: leaf })
  }
  return {
    met: leaf => {
      if (gaps.length >= mostRuns) return
      close(leaf)
      next = leaf + 1
    },
    until: size => {
      close(size)
      return gaps
    },
  }
}

/** What is in both of two rows of runs. */
export function inBoth(a: readonly Run[], b: readonly Run[]): readonly Run[] {
  const both: Run[] = []
  for (let [i, j] = [0, 0]; ; ) {
    const [left, right] = [a[i], b[j]]
    if (left === undefined || right === undefined) return both
    const [first, next] = [Math.max(left.first, right.first), Math.min(left.next, right.next)]
    if (first < next) both.push({ first, next })
    if (left.next < right.next) i += 1
    else j += 1
  }
}
