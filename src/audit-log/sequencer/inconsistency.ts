type Found =
  /** The newest checkpoint is not signed by the log's key, or is not the one its row says. */
  | 'checkpoint'
  /** Leaves and tiles do not give the root that was signed, before or after something was added. */
  | 'tree'
  /** An event is not what its hash says. */
  | 'event'
  /** The log is shorter than it was, or does not add to what it was. */
  | 'history'
  /** What is to be added is there already. */
  | 'collision'

/** The database does not hold the log that was signed. Nothing is signed on top of that. */
export class Inconsistency extends Error {
  override readonly name = 'Inconsistency'
  readonly found: Found

  constructor(found: Found, cause?: unknown) {
    super(`the audit log is inconsistent: ${found}`, cause === undefined ? {} : { cause })
    this.found = found
  }
}

export function assertConsistent(holds: boolean, found: Found): asserts holds {
  if (!holds) throw new Inconsistency(found)
}
