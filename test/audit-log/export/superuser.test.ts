import { generateKeyPairSync } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { latestCheckpoint } from '../../../src/audit-log/index.ts'
import {
  formatCheckpoint,
  type NoteSigner,
  noteSigner,
  rootOfHashes,
  signNote,
} from '../../../src/tlog/index.ts'
import type { Note } from '../../../src/verifier/index.ts'
import type { TestLog } from '../sequencer/support.ts'
import { exported, grow, openExportTest, verified } from './support.ts'

let opened: Awaited<ReturnType<typeof openExportTest>>
let log: TestLog
let anchors: readonly Note[]
const size = 560

beforeAll(async () => {
  opened = await openExportTest()
  log = opened.log
  await grow(log, 300)
  const older = await latestCheckpoint(log.owner)
  await grow(log, size - 300)
  const newest = await latestCheckpoint(log.owner)
  expect([older?.size, newest?.size]).toEqual([300, size])
  anchors = [
    { where: 'older', note: older!.note },
    { where: 'newest', note: newest!.note },
  ]
})

afterAll(() => opened.close())

/** What a superuser does to the database, as the verifier sees it in the next export; then it is undone. */
async function afterwards(tamper: (trx: Knex.Transaction) => Promise<unknown>) {
  const to = opened.place()
  const undo = new Error('undo')
  await log.superuser
    .transaction(async trx => {
      for (const table of ['events', 'leaves', 'tiles', 'checkpoints'])
        await trx.raw(`ALTER TABLE audit_${table} DISABLE TRIGGER ALL`)
      await tamper(trx)
      await exported(trx, to)
      throw undo
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error
    })
  return verified(to, { keys: [log.key.verifier], anchors })
}

const seqOf = '(SELECT seq FROM audit_leaves WHERE leaf = ?)'
const setBody = (trx: Knex.Transaction, leaf: number, alsoHash: boolean) =>
  trx.raw(
    `UPDATE audit_events SET body = replace(body, 'rcp_', 'app_')
       ${alsoHash ? `, hash = sha256('\\x00'::bytea || convert_to(replace(body, 'rcp_', 'app_'), 'UTF8'))` : ''}
     WHERE seq = ${seqOf}`,
    [leaf],
  )
const line = (leaf: number) => `events/000000000000.jsonl:${leaf + 1}`

test('left alone, nothing is found', async () => {
  expect(await afterwards(() => Promise.resolve())).toMatchObject({ ok: true, cautions: [], anchored: size })
})

test.each<[string, (trx: Knex.Transaction) => Promise<unknown>, readonly object[]]>([
  [
    'a body',
    trx => setBody(trx, 42, false),
    [{ code: 'event_altered', where: line(42), first: 42, next: 43 }],
  ],
  [
    'a body with its hash',
    trx => setBody(trx, 42, true),
    [{ code: 'event_altered', where: line(42), first: 42, next: 43 }],
  ],
  [
    'a body with its hash, at the right edge where the tile is made of it',
    trx => setBody(trx, 540, true),
    [
      { code: 'forked', where: 'newest', first: 300, next: size },
      { code: 'root_wrong', where: 'checkpoint', first: 300, next: size },
    ],
  ],
  [
    'an event deleted',
    trx => trx.raw(`DELETE FROM audit_events WHERE seq = ${seqOf}`, [99]),
    [{ code: 'event_missing', where: 'events', first: 99, next: 100 }],
  ],
  [
    'an event deleted at the right edge',
    trx => trx.raw(`DELETE FROM audit_events WHERE seq = ${seqOf}`, [541]),
    [
      { code: 'tile_missing', where: 'tile/0/002.p/48', first: 512, next: size },
      { code: 'event_missing', where: 'events', first: 541, next: 542 },
    ],
  ],
  [
    'an event and its leaf deleted',
    trx =>
      trx.raw(
        `WITH gone AS (DELETE FROM audit_leaves WHERE leaf = 99 RETURNING seq)
         DELETE FROM audit_events WHERE seq = (SELECT seq FROM gone)`,
      ),
    [{ code: 'event_missing', where: 'events', first: 99, next: 100 }],
  ],
  [
    'two bodies swapped',
    trx =>
      trx.raw(
        `UPDATE audit_events e SET body = o.body, hash = o.hash FROM audit_events o
          WHERE e.seq IN (${seqOf}, ${seqOf}) AND o.seq IN (${seqOf}, ${seqOf}) AND o.seq <> e.seq`,
        [10, 20, 10, 20],
      ),
    [10, 20].map(leaf => ({ code: 'event_altered', where: line(leaf), first: leaf, next: leaf + 1 })),
  ],
  [
    'an event inserted between two leaves',
    async trx => {
      const insert = `INSERT INTO audit_events (id, at, type, body, hash)
        SELECT 'evt_x', at, type, body, sha256('x') FROM audit_events WHERE seq = ${seqOf} RETURNING seq`
      await trx.raw('UPDATE audit_leaves SET leaf = leaf + 1000 WHERE leaf >= 558')
      await trx.raw('UPDATE audit_leaves SET leaf = leaf - 999 WHERE leaf >= 1558')
      await trx.raw(`WITH new AS (${insert}) INSERT INTO audit_leaves SELECT 558, seq FROM new`, [42])
    },
    // From there on each stands one leaf later; the last tile is made of the hashes that stand there.
    [
      { code: 'event_altered', where: line(558), first: 558, next: 559 },
      { code: 'forked', where: 'newest', first: 300, next: size },
      { code: 'root_wrong', where: 'checkpoint', first: 300, next: size },
    ],
  ],
  [
    'a hash in a full tile',
    trx =>
      trx.raw(
        `UPDATE audit_tiles SET hashes = overlay(hashes PLACING sha256('x') FROM 1 + 32 * 7) WHERE level = 0 AND index = 1`,
      ),
    [{ code: 'tile_wrong', where: 'tile/0/001', first: 263, next: 264 }],
  ],
  [
    'the root of a full tile',
    trx => trx.raw(`UPDATE audit_tiles SET root = sha256('x') WHERE level = 0 AND index = 1`),
    [{ code: 'tile_wrong', where: 'tile/1/000.p/2', first: 256, next: 512 }],
  ],
  [
    'a full tile deleted',
    trx => trx.raw('DELETE FROM audit_tiles WHERE level = 0 AND index = 0'),
    [
      { code: 'tile_missing', where: 'tile/0/000', first: 0, next: 256 },
      { code: 'tile_missing', where: 'tile/1/000.p/2', first: 0, next: 512 },
    ],
  ],
  [
    'an older checkpoint',
    trx => trx.raw(`UPDATE audit_checkpoints SET note = replace(note, '— ', '— x') WHERE size = 300`),
    [{ code: 'signature_missing', where: 'checkpoints/300' }],
  ],
  [
    'the tail cut off, back to an older checkpoint',
    async trx => {
      await trx.raw('DELETE FROM audit_checkpoints WHERE size > 300')
      await trx.raw('DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_leaves WHERE leaf >= 300)')
      await trx.raw('DELETE FROM audit_tiles WHERE (index + 1) * 256 > 300')
      await trx.raw('DELETE FROM audit_leaves WHERE leaf >= 300')
    },
    [{ code: 'truncated', where: 'newest', first: 300, next: size }],
  ],
  [
    'an event, with every hash, tile and root made anew, signed by a key of their own',
    trx => makeAnew(trx, noteSigner(log.key.verifier.name, generateKeyPairSync('ed25519').privateKey)),
    [
      { code: 'signature_missing', where: 'checkpoint' },
      { code: 'signature_missing', where: 'checkpoints/300' },
    ],
  ],
  [
    'an event, with every hash, tile, root and signature made anew, by the key of the log',
    trx => makeAnew(trx, log.key),
    [
      { code: 'forked', where: 'older', first: 0, next: 300 },
      { code: 'forked', where: 'newest', first: 0, next: size },
    ],
  ],
])('superuser: %s', async (_, tamper, findings) => {
  const report = await afterwards(tamper)
  expect(report.findings).toMatchObject(findings)
  expect(report.ok).toBe(false)
})

/** What the verifier would not see without an anchor: an event rewritten, and everything above it made to fit. */
async function makeAnew(trx: Knex.Transaction, signer: NoteSigner): Promise<void> {
  await setBody(trx, 42, true)
  const hashes = await trx('audit_leaves AS l')
    .join('audit_events AS e', 'e.seq', 'l.seq')
    .orderBy('l.leaf')
    .pluck<Buffer[]>('e.hash')
  for (const index of [0, 1]) {
    const tile = hashes.slice(index * 256, (index + 1) * 256)
    await trx('audit_tiles')
      .where({ level: 0, index })
      .update({ hashes: Buffer.concat(tile), root: rootOfHashes(tile) })
  }
  for (const some of [300, size]) {
    const root = rootOfHashes(hashes.slice(0, some))
    const note = signNote(formatCheckpoint({ origin: signer.verifier.name, size: some, root }), signer)
    await trx('audit_checkpoints').where({ size: some }).update({ root, note })
  }
}
