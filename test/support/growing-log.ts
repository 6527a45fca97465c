import { generateKeyPairSync } from 'node:crypto'
import {
  formatCheckpoint,
  leafHash,
  type NoteSigner,
  noteSigner,
  proveConsistency,
  rootOfHashes,
  signNote,
} from '../../src/tlog/index.ts'

/** A log in memory, of any size that is asked for. Two of one origin and key and another `seed` after `same` leaves are a fork. */
export interface GrowingLog {
  readonly signer: NoteSigner
  checkpoint(size: number): { size: number; root: Buffer; note: string; at: Date }
  proof(from: number, to: number): Promise<Buffer[]>
  /** The body of add-checkpoint. */
  submission(old: number, size: number): Promise<Buffer>
}

export function growingLog(
  signer: NoteSigner = noteSigner('gateway.test/audit-log', generateKeyPairSync('ed25519').privateKey),
  { seed = 'leaf', same = 0 } = {},
): GrowingLog {
  const hash = (leaf: number) => leafHash(`${leaf < same ? 'leaf' : seed} ${leaf}`)
  const hashes = (first: number, count: number) => Array.from({ length: count }, (_, i) => hash(first + i))
  const checkpoint = (size: number) => {
    const root = rootOfHashes(hashes(0, size))
    const note = signNote(formatCheckpoint({ origin: signer.verifier.name, size, root }), signer)
    return { size, root, note, at: new Date() }
  }
  const read = (height: number, index: number) =>
    Promise.resolve(rootOfHashes(hashes(index * 2 ** height, 2 ** height)))
  const proof = (from: number, to: number) => proveConsistency(from, to, read)
  return {
    signer,
    checkpoint,
    proof,
    async submission(old, size) {
      const lines = (await proof(old, size)).map(each => `${each.toString('base64')}\n`)
      return Buffer.from(`old ${old}\n${lines.join('')}\n${checkpoint(size).note}`)
    },
  }
}
