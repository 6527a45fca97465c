/** A place in the order in which events are taken in: by transaction, then as they were appended. */
export interface Place {
  readonly xact: bigint
  readonly seq: bigint
}

/** Before every event. */
export const beginning: Place = { xact: 0n, seq: 0n }

/** Before every event of this transaction and of those that began later. */
export function beforeTransaction(xact: bigint): Place {
  return { xact, seq: 0n }
}

export function later(a: Place, b: Place): Place {
  return a.xact > b.xact || (a.xact === b.xact && a.seq > b.seq) ? a : b
}
