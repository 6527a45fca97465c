const recorded = new WeakSet()

/** Remembers that what this error refused has left its event, so that whoever answers it writes no second one. */
export function markRecorded(error: object): void {
  recorded.add(error)
}

export function isRecorded(error: object): boolean {
  return recorded.has(error)
}
