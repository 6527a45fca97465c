export type TlogErrorCode =
  /** A leaf, size or tile that no tree has. */
  | 'out_of_range'
  /** A tile that is not as long as its width says. */
  | 'tile_malformed'
  | 'key_malformed'
  | 'note_malformed'
  | 'checkpoint_malformed'
  /** A line says it is by a key that is known, and is not. */
  | 'signature_wrong'
  /** No signature by a key that is known. */
  | 'signature_missing'

/** What this room throws. It says what is wrong, and repeats nothing of what it read. */
export class TlogError extends Error {
  readonly code: TlogErrorCode

  constructor(code: TlogErrorCode, detail: string) {
    super(`${code}: ${detail}`)
    this.name = 'TlogError'
    this.code = code
  }
}

/** Sizes and leaves are safe integers: 2^53 leaves are enough, and nothing is rounded. */
export function assertRange(holds: boolean, what: string): void {
  if (!holds) throw new TlogError('out_of_range', what)
}
