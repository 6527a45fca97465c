import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportLog, latestCheckpoint } from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { formatVerifier } from '../../../src/tlog/index.ts'
import type { TestLog } from '../sequencer/support.ts'
import { actor, exported, grow, openExportTest, verified } from './support.ts'

let log: TestLog
let opened: Awaited<ReturnType<typeof openExportTest>>
const early = new Date('2026-02-01T08:00:00Z')
const late = new Date('2026-03-01T08:00:00Z')

beforeAll(async () => {
  opened = await openExportTest()
  log = opened.log
  await log.owner('log_keys').insert({
    verifier: formatVerifier(log.key.verifier),
    origin: log.key.verifier.name,
    nonce: Buffer.alloc(1),
    sealed: Buffer.alloc(1),
    created_at: early,
  })
  await grow(log, 300, early)
  await grow(log, 301, late)
})

afterAll(() => opened.close())

const bodies = (directory: string): { leaf: number; event: { type: string; application?: string } }[] =>
  readdirSync(join(directory, 'events'))
    .sort()
    .flatMap(name =>
      readFileSync(join(directory, 'events', name), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { leaf: number; event: { type: string; application?: string } })

test('a log comes out as it stands, and is recorded before', async () => {
  const to = opened.place()
  const before = await latestCheckpoint(log.owner)
  const size = before!.size
  expect(await exported(log.owner, to)).toEqual({ size, first: 0, next: size, events: size, resumed: false })
  expect(readFileSync(join(to, 'checkpoint'), 'utf8')).toBe(before?.note)
  expect(verified(to, { keys: [log.key.verifier] })).toMatchObject({
    ok: true,
    events: size,
    checkpoints: 1,
    cautions: ['not_anchored'],
  })
  expect(verified(to).cautions).toContain('key_not_pinned')
  const [body] = await log.owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('body')
  expect(JSON.parse(body!)).toMatchObject({
    type: 'audit.exported',
    size,
    events: size,
    filtered: false,
    actor,
  })
})

test('an anchored checkpoint of each hour goes with it, with what witnesses said', async () => {
  const [size] = await log.owner('audit_checkpoints').orderBy('size').limit(1).pluck<string[]>('size')
  const receipt = '— witness.test AAAAAAAA\n'
  await log.owner('audit_anchors').insert({ anchor: 'witness:w', size, receipt, at: late })
  const to = opened.place()
  await exported(log.owner, to)
  expect(readFileSync(join(to, `checkpoints/${size}`), 'utf8').endsWith(`\n${receipt}`)).toBe(true)
})

test('filters choose events; what is chosen is verified against the whole', async () => {
  const part = { keys: [log.key.verifier], needed: { first: 0, next: 0 } }
  const type = opened.place()
  await exported(log.owner, type, { type: 'application.revoked', until: late })
  expect(bodies(type)).toHaveLength(150)
  expect(new Set(bodies(type).map(({ event }) => event.type))).toEqual(new Set(['application.revoked']))
  expect(verified(type, part)).toMatchObject({ ok: true, events: 150 })
  expect(verified(type, part).cautions).toContain('events_in_part')

  const subject = opened.place()
  const wanted = bodies(type)[7]!.event.application!
  await exported(log.owner, subject, { subject: wanted })
  expect(bodies(subject).map(({ event }) => event.application)).toEqual([wanted])

  const since = opened.place()
  await exported(log.owner, since, { from: late, type: 'enrolment.link.used' })
  expect(bodies(since)).toHaveLength(151)
})

test('interrupted, it is no export, and goes on as of the checkpoint that it was begun with', async () => {
  const to = opened.place()
  const size = (await latestCheckpoint(log.owner))!.size
  const stop = new Error('the power went')
  const dependencies = { knex: log.owner, clock: systemClock, actor }
  await expect(
    exportLog(
      {
        ...dependencies,
        onProgress: () => {
          throw stop
        },
      },
      to,
      {},
    ),
  ).rejects.toBe(stop)
  expect(verified(to).findings).toMatchObject([{ code: 'checkpoint_missing' }])
  // A file that was cut off in the midst of writing has another name than one that is whole.
  writeFileSync(join(to, 'tile/0/000.part'), 'torn')
  const events = readFileSync(join(to, 'events/000000000000.jsonl'))
  await grow(log, 5)
  expect(await exported(log.owner, to)).toMatchObject({ size, resumed: true })
  expect(readFileSync(join(to, 'events/000000000000.jsonl')).equals(events)).toBe(true)
  expect(verified(to, { keys: [log.key.verifier] })).toMatchObject({ ok: true, log: { size } })
})

test('at each file that is missing, it goes on to the same end', async () => {
  const whole = opened.place()
  await exported(log.owner, whole)
  const names = readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'manifest.json')
    .map(entry => join(entry.parentPath, entry.name).slice(whole.length + 1))
  // Files come in this order; a crash leaves the first so many.
  const stages = [/^verifier$/, /^tile\/0/, /^events/, /^tile\/[1-9]/, /^checkpoints\//, /^checkpoint$/]
  const order = (name: string): number => stages.findIndex(stage => stage.test(name))
  names.sort((a, b) => order(a) - order(b))
  for (const [at, name] of names.entries()) {
    const to = opened.place()
    cpSync(whole, to, { recursive: true })
    for (const later of names.slice(at)) rmSync(join(to, later))
    expect(await exported(log.owner, to), name).toMatchObject({ resumed: true })
    for (const each of names)
      expect(readFileSync(join(to, each)).equals(readFileSync(join(whole, each)))).toBe(true)
  }
})

test('a directory with something else, with another export begun, or a whole one, is left alone', async () => {
  const other = opened.place()
  mkdirSync(other)
  writeFileSync(join(other, 'mine'), '')
  await expect(exported(log.owner, other)).rejects.toMatchObject({ code: 'export_refused' })
  expect(readdirSync(other)).toEqual(['mine'])
  const whole = opened.place()
  await exported(log.owner, whole)
  await expect(exported(log.owner, whole)).rejects.toMatchObject({ code: 'export_refused' })
  rmSync(join(whole, 'checkpoint'))
  await expect(exported(log.owner, whole, { type: 'log.started' })).rejects.toMatchObject({
    code: 'export_refused',
  })
})
