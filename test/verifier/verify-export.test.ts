import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cosign, leafHash, noteSigner } from '../../src/tlog/index.ts'
import { readNotes, type VerifyOptions, verifyExport } from '../../src/verifier/index.ts'
import {
  exportFiles,
  signedCheckpoint,
  syntheticBody,
  syntheticLog,
  writeFiles,
} from '../support/audit-export.ts'

const log = syntheticLog(600)
const hashes = log.bodies.map(body => leafHash(body))
const whole = exportFiles(log, [100, 300, 599])
const pinned = { keys: [log.signer.verifier] }
const note = (size: number) => ({
  where: `anchor ${size}`,
  note: signedCheckpoint(hashes.slice(0, size), log.signer),
})

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sealpost-verify-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

/** Writes files and verifies; findings without the directory. */
function verify(files: ReadonlyMap<string, Uint8Array>, options: VerifyOptions = pinned) {
  writeFiles(directory, files)
  const report = verifyExport([directory], options)
  return {
    ...report,
    findings: report.findings.map(finding => ({
      ...finding,
      where: finding.where.replace(`${directory}/`, ''),
    })),
  }
}

describe('nothing is wrong with', () => {
  test.each([1, 2, 255, 256, 257, 600])(
    'a log of %i events, with the key from outside and an anchor of its end',
    size => {
      const some = { ...log, bodies: log.bodies.slice(0, size) }
      const report = verify(exportFiles(some, size > 1 ? [1] : []), { ...pinned, anchors: [note(size)] })
      expect(report).toMatchObject({ ok: true, findings: [], cautions: [], events: size, anchored: size })
      expect(report.log).toMatchObject({ origin: 'mail.sealpost.test/audit-log', size })
    },
  )

  test('a log of three levels', () => {
    const large = { ...log, bodies: Array.from({ length: 65_536 + 300 }, (_, leaf) => syntheticBody(leaf)) }
    const files = exportFiles(large, [65_536])
    expect([...files.keys()]).toContain('tile/2/000.p/1')
    expect([...files.keys()]).toContain('events/000000065536.jsonl')
    expect(verify(files)).toMatchObject({ ok: true, events: 65_836, checkpoints: 1 })
  })
})

describe('a caution says what the verdict does not rest on:', () => {
  test('the key of the directory itself', () => {
    expect(verify(whole, {})).toMatchObject({ ok: true, cautions: ['key_not_pinned', 'not_anchored'] })
  })

  test('an anchor of an older state', () => {
    const report = verify(whole, { ...pinned, anchors: [note(300)] })
    expect(report).toMatchObject({ ok: true, anchored: 300, cautions: ['anchored_in_part'] })
  })

  test('a part of the events, which nobody asked for unless told', () => {
    const files = new Map(whole).set(
      'events/000000000000.jsonl',
      lines(line => line % 3 === 0),
    )
    expect(verify(files, { ...pinned, needed: { first: 0, next: 0 } })).toMatchObject({
      ok: true,
      events: 200,
      cautions: ['not_anchored', 'events_in_part'],
    })
    const strict = verify(files)
    expect(strict.found).toBe(200)
    expect(strict.findings[0]).toEqual({ code: 'event_missing', where: 'events', first: 1, next: 3 })
  })

  test('a piece of a note in an anchor, as a crash leaves', () => {
    const anchors = join(directory, 'elsewhere')
    mkdirSync(anchors)
    writeFileSync(join(anchors, '000000000300'), note(300).note.slice(0, 40))
    writeFileSync(join(anchors, '000000000300.1'), note(300).note)
    const report = verify(whole, { ...pinned, anchors: readNotes(anchors) })
    expect(report).toMatchObject({
      ok: true,
      anchored: 300,
      cautions: ['anchored_in_part', 'anchor_unreadable'],
    })
  })
})

describe('checkpoints', () => {
  test('of another key are none', () => {
    const other = noteSigner('mail.sealpost.test/audit-log', generateKeyPairSync('ed25519').privateKey)
    const report = verify(whole, { keys: [other.verifier] })
    expect(report.findings[0]).toEqual({ code: 'signature_missing', where: 'checkpoint' })
    expect(report.ok).toBe(false)
  })

  test('of another log are no anchors', () => {
    const other = noteSigner('else.test/audit-log', generateKeyPairSync('ed25519').privateKey)
    const anchors = [{ where: 'mail', note: signedCheckpoint(hashes, other) }]
    expect(verify(whole, { keys: [log.signer.verifier, other.verifier], anchors }).findings).toEqual([
      { code: 'other_log', where: 'mail' },
    ])
  })

  test('that say more than the log holds: truncated; something else: forked, between the last that agreed and this', () => {
    const cut = exportFiles({ ...log, bodies: log.bodies.slice(0, 500) }, [100])
    expect(verify(cut, { ...pinned, anchors: [note(600)] }).findings).toEqual([
      { code: 'truncated', where: 'anchor 600', first: 500, next: 600 },
    ])
    const anew = log.bodies.with(350, syntheticBody(9_999))
    expect(
      verify(exportFiles({ ...log, bodies: anew }, []), { ...pinned, anchors: [300, 400, 600].map(note) })
        .findings,
    ).toEqual([
      { code: 'forked', where: 'anchor 400', first: 300, next: 400 },
      { code: 'forked', where: 'anchor 600', first: 300, next: 600 },
    ])
  })

  test('are named by their size', () => {
    const files = new Map(whole).set('checkpoints/200', whole.get('checkpoints/100')!)
    expect(verify(files).findings).toEqual([{ code: 'checkpoint_malformed', where: 'checkpoints/200' }])
  })

  test('missing: an export that did not end', () => {
    const files = new Map(whole)
    files.delete('checkpoint')
    expect(verify(files).findings[0]).toEqual({ code: 'checkpoint_missing', where: 'checkpoint' })
  })
})

describe('witnesses', () => {
  const witness = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')
  const witnesses = [witness.verifier]
  const cosigned = (name: string) => {
    const text = whole.get(name)!.toString()
    return new Map(whole).set(name, Buffer.from(text + cosign(text, 1_800_000_000, witness)))
  }

  test('that cosigned the head vouch for all of it', () => {
    expect(verify(cosigned('checkpoint'), { ...pinned, witnesses })).toMatchObject({
      ok: true,
      cautions: [],
      anchored: 600,
      witnessed: [{ witness: 'witness.test', size: 600, time: 1_800_000_000 }],
    })
  })

  test('that cosigned an older checkpoint vouch for what came before', () => {
    expect(verify(cosigned('checkpoints/300'), { ...pinned, witnesses })).toMatchObject({
      ok: true,
      cautions: ['anchored_in_part'],
      anchored: 300,
    })
  })

  test('that cosigned nothing, or whose line was altered, are missed', () => {
    expect(verify(whole, { ...pinned, witnesses }).findings).toEqual([
      { code: 'cosignature_missing', where: 'witness.test' },
    ])
    const files = cosigned('checkpoint')
    const other = signedCheckpoint(hashes.slice(0, 300), log.signer)
    files.set(
      'checkpoint',
      Buffer.from(whole.get('checkpoint')!.toString() + cosign(other, 1_800_000_000, witness)),
    )
    expect(verify(files, { ...pinned, witnesses }).findings).toEqual([
      { code: 'cosignature_missing', where: 'witness.test' },
    ])
  })
})

describe('events that are the log’s, in another form:', () => {
  test.each([
    ['with a space', (body: string) => body.replace('":', '": ')],
    ['with names out of order', (body: string) => body.replace(/^\{("actor":.*?\}),("at":".*?")/, '{$2,$1')],
    ['with a name twice', (body: string) => body.replace('{"actor"', '{"actor":{"kind":"gateway"},"actor"')],
    [
      'with an escape that was not needed',
      (body: string) => body.replace('gateway', String.raw`\u0067ateway`),
    ],
    ['with a number in another form', (body: string) => body.replace('"success"', '1e2')],
    ['that is no object', () => '"text"'],
  ])('%s', (_, change) => {
    const bodies = log.bodies.with(17, change(log.bodies[17]!))
    expect(bodies[17]).not.toBe(log.bodies[17])
    // The tree is of these very bytes: what is wrong is the form alone.
    expect(verify(exportFiles({ ...log, bodies })).findings).toEqual([
      { code: 'event_not_canonical', where: 'events/000000000000.jsonl:18', first: 17, next: 18 },
    ])
  })

  test('that is no UTF-8', () => {
    const body = Buffer.from(log.bodies[17]!.replace('gateway', 'gatew\u00e4y'), 'latin1')
    const files = exportFiles(log, [], hashes.with(17, leafHash(body)))
    const text = files.get('events/000000000000.jsonl')!.toString().split(log.bodies[17]!)
    files.set(
      'events/000000000000.jsonl',
      Buffer.concat([Buffer.from(text[0]!), body, Buffer.from(text[1]!)]),
    )
    expect(verify(files).findings).toEqual([
      { code: 'event_not_canonical', where: 'events/000000000000.jsonl:18', first: 17, next: 18 },
    ])
  })
})

test('a link in place of a file is not followed', () => {
  writeFiles(directory, whole)
  const tile = join(directory, 'tile/0/001')
  rmSync(tile)
  symlinkSync('/dev/zero', tile)
  const report = verifyExport([directory], pinned)
  expect(report.findings).toEqual([{ code: 'tile_missing', where: tile, first: 256, next: 512 }])
})

test('several directories count as one log: an archive, and an export that lacks what the archive has', () => {
  const archive = new Map(exportFiles({ ...log, bodies: log.bodies.slice(0, 550) }))
  archive.set(
    'events/000000000000.jsonl',
    lines(leaf => leaf < 512),
  )
  const later = new Map(whole).set(
    'events/000000000000.jsonl',
    lines(leaf => leaf >= 512),
  )
  writeFiles(join(directory, 'archive'), archive)
  writeFiles(join(directory, 'later'), later)
  const both = [join(directory, 'archive'), join(directory, 'later')]
  expect(verifyExport(both, pinned)).toMatchObject({ ok: true, events: 600, cautions: ['not_anchored'] })
  expect(verifyExport([both[1]!], pinned).findings).toEqual([
    { code: 'event_missing', where: 'events', first: 0, next: 512 },
  ])
  const forked = exportFiles({ ...log, bodies: log.bodies.with(3, syntheticBody(9_999)).slice(0, 550) })
  writeFiles(join(directory, 'archive'), forked)
  expect(verifyExport(both, pinned).findings).toMatchObject([
    { code: 'checkpoint_wrong', where: join(directory, 'archive/checkpoint'), first: 300, next: 550 },
  ])
})

function lines(wanted: (leaf: number) => boolean): Buffer {
  const all = whole.get('events/000000000000.jsonl')!.toString().split('\n').slice(0, -1)
  return Buffer.from(
    all
      .filter((_, leaf) => wanted(leaf))
      .map(line => `${line}\n`)
      .join(''),
  )
}
