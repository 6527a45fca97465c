import type { Knex } from 'knex'
import {
  openNote,
  parseCheckpoint,
  parseVerifier,
  TlogError,
  type TreeHead,
  verifyConsistency,
} from '../../tlog/index.ts'
import { type Checkpoint, checkpointAt } from '../checkpoint.ts'
import { AnchorAheadError, AnchorError } from './anchor.ts'
import { findVerifiers } from './store.ts'

/** What an anchor has to know of our own log, to judge what it finds outside. */
export interface OwnLog {
  /** The tree head of a note that a key of ours signed, or why it counts for nothing. */
  open(
    note: Uint8Array,
  ): Promise<{ readonly head: TreeHead } | { readonly refused: 'content_refused' | 'log_unknown' }>
  /** The note of our checkpoint of this size. */
  noteOf(size: number): Promise<string | undefined>
}

export function openOwnLog(knex: Knex): OwnLog {
  return {
    async open(note) {
      const verifiers = (await findVerifiers(knex)).map(parseVerifier)
      try {
        const { text, signatures } = openNote(note, verifiers)
        const head = parseCheckpoint(text)
        // The key of a log has its origin for a name.
        const isOurs = signatures.some(({ verifier }) => verifier.name === head.origin)
        return isOurs ? { head } : { refused: 'content_refused' }
      } catch (error) {
        if (!(error instanceof TlogError)) throw error
        return { refused: error.code === 'signature_missing' ? 'log_unknown' : 'content_refused' }
      }
    },
    noteOf: async size => (await checkpointAt(knex, size))?.note,
  }
}

/**
 * Resolves when the tree of the checkpoint contains what an anchor has. Throws `AnchorAheadError` when it does not: then our key
 * signed what this database does not hold.
 */
export async function assertContained(
  known: TreeHead,
  { size, root }: Checkpoint,
  proofFrom: (size: number) => Promise<readonly Uint8Array[]>,
): Promise<void> {
  if (known.size > size) throw new AnchorAheadError(known.size)
  const proof = known.size === 0 ? [] : await proved(proofFrom(known.size))
  if (!verifyConsistency({ from: known.size, fromRoot: known.root, to: size, toRoot: root, proof }))
    throw new AnchorAheadError(known.size)
}

/** A proof that we cannot make is our failure and says nothing of the anchor. */
async function proved(proof: Promise<readonly Uint8Array[]>): Promise<readonly Uint8Array[]> {
  try {
    return await proof
  } catch (cause) {
    throw new AnchorError('error', cause)
  }
}
