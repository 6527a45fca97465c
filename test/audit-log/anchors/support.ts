import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlarmCode } from '../../../src/audit/index.ts'
import type { OwnLog } from '../../../src/audit-log/anchors/index.ts'
import { type Anchor, type Anchoring, openAnchoring } from '../../../src/audit-log/index.ts'
import { openLogger } from '../../../src/platform/index.ts'
import { formatVerifier, type NoteSigner, openNote, parseCheckpoint } from '../../../src/tlog/index.ts'
import type { GrowingLog } from '../../support/growing-log.ts'
import type { TestLog } from '../sequencer/support.ts'

/** What the anchors of a log in memory have to know of it. */
export function ownLogOf(log: GrowingLog, sizes: readonly number[] = []): OwnLog {
  return {
    open(note) {
      try {
        return Promise.resolve({ head: parseCheckpoint(openNote(note, [log.signer.verifier]).text) })
      } catch {
        return Promise.resolve({ refused: 'content_refused' as const })
      }
    },
    noteOf: size => Promise.resolve(sizes.includes(size) ? log.checkpoint(size).note : undefined),
  }
}

/** Gives an anchor the checkpoint of this size, with what proofs it asks for. */
export function take(anchor: Anchor, log: GrowingLog, size: number): Promise<string | undefined> {
  return anchor.anchor(log.checkpoint(size), from => log.proof(from, size))
}

export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'anchor-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** So that what is found outside is known to be of this log. */
export async function keepKey({ owner }: TestLog, { verifier }: NoteSigner): Promise<void> {
  const [nonce, sealed] = [Buffer.alloc(12), Buffer.alloc(48)]
  const row = { verifier: formatVerifier(verifier), origin: verifier.name, created_at: new Date() }
  await owner('log_keys').insert({ ...row, nonce, sealed })
}

/** One replica's anchoring, that passes once by itself and then when the test says so. */
export function replica(
  { gateway }: Pick<TestLog, 'gateway'>,
  anchors: readonly Anchor[],
  { now = () => new Date(), every = 60_000, patience = 20_000 } = {},
): Anchoring & { readonly alarms: Set<AlarmCode> } {
  const alarms = new Set<AlarmCode>()
  const raising = {
    raise: (code: AlarmCode) => void alarms.add(code),
    clear: (code: AlarmCode) => void alarms.delete(code),
    active: () => [],
  }
  const log = openLogger({ level: 'error', destination: { write: () => true } })
  const anchoring = openAnchoring({
    knex: gateway,
    clock: { now },
    log,
    alarms: raising,
    anchors,
    every,
    patience,
  })
  return { ...anchoring, alarms }
}
