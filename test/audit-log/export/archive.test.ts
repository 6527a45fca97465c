import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monthsBefore } from '../../../src/audit-log/archive/months.ts'
import {
  archiveEvents,
  consistencyProof,
  firstCheckpointCovering,
  inclusionProof,
  latestCheckpoint,
} from '../../../src/audit-log/index.ts'
import { newId, systemClock } from '../../../src/kernel/index.ts'
import { formatVerifier, leafHash, verifyConsistency, verifyInclusion } from '../../../src/tlog/index.ts'
import { verifyExport } from '../../../src/verifier/index.ts'
import type { TestLog } from '../sequencer/support.ts'
import { actor, exported, grow, openExportTest } from './support.ts'

let opened: Awaited<ReturnType<typeof openExportTest>>
let log: TestLog
const day = 24 * 60 * 60 * 1_000
const old = new Date(Date.now() - 200 * day)
const month = new Date(Date.now() - 150 * day)

const archive = (to: string, before = month) =>
  archiveEvents({ knex: log.owner, clock: systemClock, actor }, { before, to })
const atHand = async (): Promise<number> => (await log.owner('audit_events').pluck<string[]>('seq')).length
const outcome = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )

beforeAll(async () => {
  opened = await openExportTest()
  log = opened.log
  await log.owner('log_keys').insert({
    verifier: formatVerifier(log.key.verifier),
    origin: log.key.verifier.name,
    nonce: Buffer.alloc(1),
    sealed: Buffer.alloc(1),
    created_at: old,
  })
  await grow(log, 600, old, [
    { type: 'application.added', application: newId('app', systemClock), san: 'DNS:a' },
  ])
  await grow(log, 200)
})

afterAll(() => opened.close())

describe('nothing leaves the database', () => {
  test('that is younger than three months', async () => {
    expect(await outcome(archive(opened.place(), new Date(Date.now() - 60 * day)))).toBe('archive_refused')
    expect(await atHand()).toBe(801)
  })

  test('that no anchor has, when there are anchors', async () => {
    await log
      .owner('audit_anchor_states')
      .insert({ anchor: 'directory', state: 'failing', since: old, tried_at: old, failures: 1 })
    expect(await outcome(archive(opened.place()))).toBe('archive_refused')
    await log.owner('audit_anchors').insert({ anchor: 'retired', size: 801, at: old })
    expect(await outcome(archive(opened.place()))).toBe('archive_refused')
    await log.owner('audit_anchor_states').delete()
  })

  test('that the verifier finds something wrong with', async () => {
    const to = opened.place()
    const spoil = () => {
      const file = join(to, 'tile/0/000')
      writeFileSync(file, Buffer.alloc(8_192))
    }
    const spoiling = archiveEvents(
      { knex: log.owner, clock: systemClock, actor, onProgress: spoil },
      { before: month, to },
    )
    expect(await outcome(spoiling)).toBe('archive_refused')
    expect(await atHand()).toBe(802)
    expect(await log.owner('audit_archives').pluck<string[]>('first')).toEqual([])
  })

  test.each([
    ['by DELETE', 'DELETE FROM audit_events'],
    ['by DELETE of what is old', `DELETE FROM audit_events WHERE at < now() - interval '4 months'`],
    ['by TRUNCATE', 'TRUNCATE audit_events'],
    [
      'under an archive without its event',
      `INSERT INTO audit_archives VALUES (0, 256, repeat('a', 64), now())`,
    ],
    [
      'under an archive of a temporary table',
      `CREATE TEMP TABLE audit_archives (first bigint, next bigint); INSERT INTO audit_archives VALUES (0, 600);
       DELETE FROM audit_events`,
    ],
    ['by a leaf', 'DELETE FROM audit_leaves'],
    ['by a tile', 'DELETE FROM audit_tiles'],
  ])('as its owner asks %s', async (_, statement) => {
    const asked = log.owner.transaction(trx => trx.raw(statement))
    await expect(asked).rejects.toMatchObject({ name: 'PostgresError', code: '42501' })
    expect(await atHand()).toBe(802)
  })

  test.each([
    ['that is no whole tile', 0, 255, 'a'],
    ['that begins later', 256, 512, 'a'],
    ['that no checkpoint covers', 0, 1_024, 'a'],
    ['of another digest', 0, 512, 'b'],
    ['with what is younger', 0, 768, 'a'],
  ])('under an archive %s, whatever its event says', async (_, first, next, digit) => {
    const archived = log.owner.transaction(async trx => {
      await trx.raw(
        `INSERT INTO audit_events (id, at, type, body, hash) VALUES ('evt_forged', now(), 'audit.archived',
           jsonb_build_object('type', 'audit.archived', 'first', :first::int, 'next', :next::int, 'sha256', repeat('a', 64))::text,
           sha256('x'))`,
        { first, next },
      )
      await trx('audit_archives').insert({ first, next, sha256: digit.repeat(64), at: old })
    })
    await expect(archived).rejects.toMatchObject({ code: '42501' })
  })

  test('that is younger than three months, under an archive that a superuser slipped in', async () => {
    const undo = new Error('undo')
    const slipped = log.superuser.transaction(async trx => {
      await trx.raw('ALTER TABLE audit_archives DISABLE TRIGGER ALL')
      await trx('audit_archives').insert({ first: 0, next: 1_024, sha256: 'a'.repeat(64), at: old })
      await trx('audit_events').where('at', '<', month).delete()
      await trx('audit_events').whereIn('seq', trx('audit_leaves').select('seq')).delete()
      throw undo
    })
    await expect(slipped).rejects.toMatchObject({ code: '42501' })
  })
})

describe('past months', () => {
  let to: string
  let bodies: string[]

  test('leave as whole tiles, verified and recorded; what is recorded is what happened', async () => {
    to = opened.place()
    bodies = await log.owner('audit_events').orderBy('seq').limit(601).pluck<string[]>('body')
    await grow(log, 0)
    const archived = await archive(to)
    expect(archived).toMatchObject({ first: 0, next: 512, removed: 511 })
    const text = readFileSync(join(to, 'events/000000000000.jsonl'))
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect(archived?.sha256).toBe(sha256)
    const events = await log.owner('audit_events').where({ type: 'audit.archived' }).pluck<string[]>('body')
    expect(events.map(body => JSON.parse(body) as object)).toMatchObject([
      { first: 0, next: 512, sha256, actor },
    ])
    // The first is of a type that stays at hand; the last 89 of the old ones wait until they fill a tile.
    expect(await log.owner('audit_events').where('at', '<', month).pluck<string[]>('body')).toEqual([
      bodies[0],
      ...bodies.slice(512),
    ])
  })

  test('once gone, stay gone, and the same call finds nothing to do', async () => {
    expect(await archive(opened.place())).toBeUndefined()
  })

  test('stay provable: each event of the archive is in a later tree, which only adds to the older', async () => {
    await grow(log, 400)
    const newest = (await latestCheckpoint(log.gateway))!
    for (const leaf of [0, 255, 256, 511]) {
      const proof = await inclusionProof(log.gateway, leaf, newest.size)
      const hash = leafHash(bodies[leaf]!)
      expect(verifyInclusion({ hash, leaf, size: newest.size, proof, root: newest.root })).toBe(true)
    }
    const older = (await firstCheckpointCovering(log.gateway, 0))!
    const sizes = { from: older.size, to: newest.size }
    const proof = await consistencyProof(log.gateway, older.size, newest.size)
    expect(verifyConsistency({ ...sizes, fromRoot: older.root, toRoot: newest.root, proof })).toBe(true)
  })

  test('and what is at hand are one log to the verifier; without the archive the events are missed', async () => {
    const later = opened.place()
    await exported(log.owner, later)
    const keys = [log.key.verifier]
    const both = verifyExport([to, later], { keys })
    expect(both).toMatchObject({ ok: true, cautions: ['not_anchored'] })
    // The event that stays is in both.
    expect(both.events).toBe(both.log!.size + 1)
    expect(verifyExport([later], { keys }).findings).toEqual([
      { code: 'event_missing', where: 'events', first: 1, next: 512 },
    ])
    const at = { first: 512, next: both.log!.size }
    expect(verifyExport([later], { keys, needed: at })).toMatchObject({
      ok: true,
      cautions: ['not_anchored', 'events_in_part'],
    })
  })

  test('that a crash left half removed go with the next call', async () => {
    await grow(log, 424, old)
    const size = (await latestCheckpoint(log.owner))!.size
    const place = opened.place()
    // What is newer stands before them in the log, so they wait; nothing was left behind yet.
    expect(await archive(place)).toBeUndefined()
    expect(size).toBeGreaterThan(1_500)
    await log.superuser.transaction(async trx => {
      await trx.raw('ALTER TABLE audit_events DISABLE TRIGGER ALL')
      // As a crash after the first rows leaves it: the last are there, the first are gone.
      await trx.raw(
        `INSERT INTO audit_events (seq, id, at, type, body, hash) OVERRIDING SYSTEM VALUE
           SELECT seq, 'evt_left_' || leaf, :old, 't', '{}', sha256('x') FROM audit_leaves WHERE leaf BETWEEN 300 AND 511`,
        { old },
      )
      await trx.raw(
        'ALTER TABLE audit_events ENABLE ALWAYS TRIGGER ALL'.replace('ALWAYS TRIGGER ALL', 'TRIGGER ALL'),
      )
    })
    const before = await atHand()
    await archive(opened.place())
    expect(await atHand()).toBe(before - 212)
  })

  test('are whole files: an archive has nothing beside', () => {
    expect(readdirSync(to).sort()).toEqual([
      'checkpoint',
      'checkpoints',
      'events',
      'manifest.json',
      'tile',
      'verifier',
    ])
  })
})

test.each([
  ['2026-05-31T12:00:00Z', '2026-02-28T12:00:00Z'],
  ['2026-11-21T00:00:00Z', '2026-08-21T00:00:00Z'],
  ['2027-02-10T00:00:00Z', '2026-11-10T00:00:00Z'],
])('three months before %s is %s', (at, before) => {
  expect(monthsBefore(new Date(at), 3)).toEqual(new Date(before))
})
