/** What can be wrong. docs/audit-log.md says what each means. */
export type FindingCode =
  | 'checkpoint_missing'
  | 'checkpoint_malformed'
  | 'checkpoint_wrong'
  | 'signature_missing'
  | 'signature_wrong'
  | 'root_wrong'
  | 'tile_missing'
  | 'tile_malformed'
  | 'tile_wrong'
  | 'event_missing'
  | 'event_altered'
  | 'event_not_canonical'
  | 'line_malformed'
  | 'line_misplaced'
  | 'truncated'
  | 'forked'
  | 'other_log'
  | 'cosignature_missing'

export interface Finding {
  readonly code: FindingCode
  /** A file of the directory (with its line), or an anchor. */
  readonly where: string
  /** The leaves that it is about: from `first` up to but not including `next`. */
  readonly first?: number
  readonly next?: number
}

/** What a verdict does not rest on, although it might. */
export type Caution =
  /** The key came out of the directory: whoever made the directory may have made the key. */
  | 'key_not_pinned'
  /** No checkpoint from outside was compared: who has the log's key may have made all of this anew. */
  | 'not_anchored'
  /** Leaves after the last checkpoint from outside: as above, for these. */
  | 'anchored_in_part'
  /** An anchor holds something that is no checkpoint, such as a piece of one: it was not compared. */
  | 'anchor_unreadable'
  /** Not all events are here; those that are were verified. */
  | 'events_in_part'

export interface Report {
  /** Nothing was found. */
  readonly ok: boolean
  /** The first 1,000, in the order in which they were met. */
  readonly findings: readonly Finding[]
  readonly found: number
  readonly cautions: readonly Caution[]
  /** Of the largest tree: which log, how many leaves, their root in base64. */
  readonly log?: { readonly origin: string; readonly size: number; readonly root: string }
  /** How many events were recomputed and belong to their leaf. */
  readonly events: number
  /** How many checkpoints of the directories are of this tree. */
  readonly checkpoints: number
  /** Leaves before this one are as they were when a checkpoint left for outside. */
  readonly anchored: number
  /** For each witness: the size of the largest tree that it cosigned, and when (seconds since 1970). */
  readonly witnessed: readonly { readonly witness: string; readonly size: number; readonly time: number }[]
}

export type Find = (code: FindingCode, where: string, first?: number, next?: number) => void

const mostFindings = 1_000

/** Collects findings. Memory stays flat however much is wrong. */
export function openFindings(): {
  readonly find: Find
  readonly findings: readonly Finding[]
  readonly count: () => number
} {
  const findings: Finding[] = []
  let count = 0
  return {
    findings,
    count: () => count,
    find: (code, where, first, next) => {
      count += 1
      if (findings.length >= mostFindings) return
      findings.push({ code, where, ...(first === undefined ? {} : { first, next: next ?? first + 1 }) })
    },
  }
}
