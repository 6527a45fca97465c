import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  formatCheckpoint,
  formatVerifier,
  leafHash,
  type NoteSigner,
  noteSigner,
  rootOfHashes,
  signNote,
  tilePath,
  tilesOf,
  tileWidth,
} from '../../src/tlog/index.ts'

/** A log without a database: what somebody has who holds its key. */
export interface SyntheticLog {
  readonly signer: NoteSigner
  readonly bodies: readonly string[]
}

export const testOrigin = 'mail.sealpost.test/audit-log'

/** A log of as many events, which are the same each time; the key is not. */
export function syntheticLog(count: number): SyntheticLog {
  const signer = noteSigner(testOrigin, generateKeyPairSync('ed25519').privateKey)
  return { signer, bodies: Array.from({ length: count }, (_, leaf) => syntheticBody(leaf)) }
}

export function syntheticBody(leaf: number): string {
  const digest = createHash('sha256').update(String(leaf)).digest('hex')
  const at = new Date(Date.UTC(2026, 0, 1) + leaf * 1_000).toISOString()
  return `{"actor":{"kind":"gateway"},"at":"${at}","id":"evt_${digest.slice(0, 26)}","message":"msg_${digest.slice(26, 52)}","result":"success","salt":"${digest.slice(32)}","type":"message.accepted"}`
}

/** The note of a tree of these hashes. */
export function signedCheckpoint(hashes: readonly Buffer[], signer: NoteSigner): string {
  const { name: origin } = signer.verifier
  return signNote(formatCheckpoint({ origin, size: hashes.length, root: rootOfHashes(hashes) }), signer)
}

/** The files of an export by their names, as docs/audit-log.md has them. */
export function exportFiles(
  { signer, bodies }: SyntheticLog,
  checkpoints: readonly number[] = [],
  hashes: readonly Buffer[] = bodies.map(body => leafHash(body)),
): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let first = 0; first < bodies.length; first += tileWidth ** 2) {
    const lines = bodies
      .slice(first, first + tileWidth ** 2)
      .map((body, at) => `{"leaf":${first + at},"event":${body}}\n`)
    files.set(`events/${String(first).padStart(12, '0')}.jsonl`, Buffer.from(lines.join('')))
  }
  let row = hashes
  let level = 0
  for (const tile of tilesOf(bodies.length)) {
    if (tile.level > level) {
      row = Array.from({ length: Math.floor(row.length / tileWidth) }, (_, at) =>
        rootOfHashes(row.slice(at * tileWidth, (at + 1) * tileWidth)),
      )
      level = tile.level
    }
    const first = tile.index * tileWidth
    files.set(tilePath(tile), Buffer.concat(row.slice(first, first + tile.width)))
  }
  for (const size of checkpoints)
    files.set(`checkpoints/${size}`, Buffer.from(signedCheckpoint(hashes.slice(0, size), signer)))
  files.set('verifier', Buffer.from(`${formatVerifier(signer.verifier)}\n`))
  files.set('checkpoint', Buffer.from(signedCheckpoint(hashes, signer)))
  return files
}

export function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, content] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
}
