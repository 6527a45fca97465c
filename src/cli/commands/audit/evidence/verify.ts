import { readFileSync } from 'node:fs'
import { readNotes, verifyEvidence } from '../../../../verifier/index.ts'
import { print, printJson } from '../../../output.ts'
import { reading, verifierKey } from '../reading.ts'
import { describeEvidence } from './describe.ts'

export interface EvidenceCall {
  readonly evidence: string
  readonly key?: readonly string[]
  readonly anchor?: readonly string[]
  readonly witness?: readonly string[]
  readonly ciphertext?: readonly string[]
  readonly json?: true
}

/** `audit verify --evidence`: needs no database, no settings and no gateway. Exit 0 when nothing is wrong, 1 when something is. */
export function verifyEvidenceFile({ evidence, key, anchor, witness, ciphertext, json }: EvidenceCall): void {
  const report = reading(() =>
    verifyEvidence(readFileSync(evidence, 'utf8'), {
      keys: (key ?? []).map(verifierKey),
      anchors: (anchor ?? []).flatMap(path => [...readNotes(path)]),
      witnesses: (witness ?? []).map(verifierKey),
      ciphertexts: (ciphertext ?? []).map(where => ({ where, bytes: readFileSync(where) })),
    }),
  )
  if (json) printJson(report)
  else print(describeEvidence(report))
  if (!report.ok) process.exitCode = 1
}
