/** What stands before each step that cannot be undone: MAIL FROM, and taking more work for it. */
export interface Gate {
  /** Resolves with true while every condition holds, with false once the gate is closed. */
  whenOpen(): Promise<boolean>
  /** For good. Whoever waits goes away with false. */
  close(): void
}

/** @param conditions each resolves while it holds; they are waited for in turn */
export function openGate(conditions: readonly (() => Promise<void>)[]): Gate {
  const waiting = new Set<(open: boolean) => void>()
  let closed = false
  const allHold = async (): Promise<void> => {
    for (const holds of conditions) await holds()
  }
  return {
    whenOpen: () =>
      new Promise((resolve, reject) => {
        if (closed) {
          resolve(false)
          return
        }
        waiting.add(resolve)
        allHold()
          .finally(() => waiting.delete(resolve))
          .then(() => resolve(!closed), reject)
      }),
    close() {
      closed = true
      for (const leave of waiting) leave(false)
      waiting.clear()
    },
  }
}
