import type { FetchFailure } from '../../platform/https/index.ts'
import type { Checkpoint } from '../checkpoint.ts'

/** A place outside our reach that keeps what the log's head was, so that nobody can later say it was another. */
export interface Anchor {
  /** Stable: receipts are kept under it. Lower-case letters, digits and `.:/-`. */
  readonly name: string
  /**
   * Gives it the checkpoint; resolves once it has it for good, with what it answered, if that proves anything (at most 1024
   * characters). Doing it again is harmless. Rejects with an `AnchorError`; anything else counts as `error`.
   *
   * @param proofFrom that the checkpoint only adds to the tree of so many leaves, at most its size
   */
  anchor(
    checkpoint: Checkpoint,
    proofFrom: (size: number) => Promise<readonly Uint8Array[]>,
  ): Promise<string | undefined>
}

/** Why an anchor did not take a checkpoint. */
export type AnchorFailure =
  | FetchFailure
  /** It has something that is no checkpoint of ours, or answers what cannot be understood. */
  | 'content_refused'
  /** Its signature is missing, wrong, or about something else. */
  | 'receipt_refused'
  /** It does not know our log or its key. */
  | 'log_unknown'
  /** It says that it knows a larger or another tree, and shows nothing that our key signed. */
  | 'conflict_unproved'
  | 'not_writable'
  | 'error'

/** It did not take the checkpoint; it may another time. */
export class AnchorError extends Error {
  readonly reason: AnchorFailure
  override readonly name: string = 'AnchorError'

  constructor(reason: AnchorFailure, cause?: unknown) {
    super(`the anchor did not take the checkpoint: ${reason}`, { cause })
    this.reason = reason
  }
}

/** It has a checkpoint that our own key signed, and that our tree does not contain: the database was rolled back, or forked. */
export class AnchorAheadError extends Error {
  /** The size of that checkpoint. */
  readonly size: number
  override readonly name: string = 'AnchorAheadError'

  constructor(size: number) {
    super('the anchor knows a larger or another tree')
    this.size = size
  }
}
