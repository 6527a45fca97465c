import type { Knex } from 'knex'
import {
  type Edge,
  hashesAtLevel,
  hashesOf,
  type NoteVerifier,
  openNote,
  parseCheckpoint,
  rootOfEdge,
  TlogError,
  tileWidth,
  verifyConsistency,
} from '../../tlog/index.ts'
import { consistencyProof } from '../proofs.ts'
import { type CheckpointRow, hashesOfLeaves, rootsOfTiles } from '../store.ts'
import { assertConsistent, Inconsistency } from './inconsistency.ts'

/** What is known of a tree head. */
export type Head = Pick<CheckpointRow, 'size' | 'root'>

/** Throws an `Inconsistency` when the log's key did not sign this checkpoint, or it says something else than its row. */
export function assertSigned({ note, size, root }: CheckpointRow, verifier: NoteVerifier): void {
  try {
    const head = parseCheckpoint(openNote(note, [verifier]).text)
    assertConsistent(
      head.origin === verifier.name && head.size === size && root.equals(head.root),
      'checkpoint',
    )
  } catch (error) {
    throw error instanceof TlogError ? new Inconsistency('checkpoint', error) : error
  }
}

/** The right edge of the tree that was signed. Throws an `Inconsistency` when the tables do not give its root. */
export async function edgeOf(trx: Knex.Transaction, { size, root }: Head): Promise<Edge> {
  const edge: Uint8Array[][] = []
  for (let level = 0; hashesAtLevel(level, size) > 0; level += 1) {
    const width = hashesAtLevel(level, size) % tileWidth
    const first = hashesAtLevel(level, size) - width
    const octets =
      level === 0 ? await hashesOfLeaves(trx, first, width) : await rootsOfTiles(trx, level - 1, first, width)
    edge.push(hashesOf(octets))
  }
  assertConsistent(rootOfEdge(edge).equals(root), 'tree')
  return edge
}

/** Throws an `Inconsistency` unless the tables prove that the newer tree only adds to the older. */
export async function assertAdds(
  trx: Knex.Transaction,
  older: Head,
  newer: Head,
  found: 'tree' | 'history',
): Promise<void> {
  assertConsistent(older.size <= newer.size, found)
  try {
    const proof = await consistencyProof(trx, older.size, newer.size)
    const sizes = { from: older.size, to: newer.size }
    assertConsistent(verifyConsistency({ ...sizes, fromRoot: older.root, toRoot: newer.root, proof }), found)
  } catch (error) {
    throw error instanceof TlogError ? new Inconsistency(found, error) : error
  }
}
