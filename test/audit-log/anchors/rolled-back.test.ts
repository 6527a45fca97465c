import { generateKeyPairSync } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type Anchor,
  latestCheckpoint,
  openDirectoryAnchor,
  openOwnLog,
  openSequencer,
  openWitnessAnchor,
} from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { openFetcher } from '../../../src/platform/https/index.ts'
import { openLogger } from '../../../src/platform/index.ts'
import { createAuthority, issueServerCertificate } from '../../../src/platform/pki/index.ts'
import { type NoteVerifier, noteSigner, parseVerifier } from '../../../src/tlog/index.ts'
import { readNotes } from '../../../src/verifier/index.ts'
import { openWitness, serveWitness } from '../../../src/witness/index.ts'
import { exported, grow, openExportTest, verified } from '../export/support.ts'
import type { TestLog } from '../sequencer/support.ts'
import { keepKey, replica, temporaryDirectory } from './support.ts'

// Whoever is superuser of PostgreSQL, and has the log's key besides, against anchors that they do not reach: a directory that is
// only added to, and a witness over TLS.

let opened: AsyncDisposableStack
let place: Awaited<ReturnType<typeof openExportTest>>
let log: TestLog
let directory: string
let anchors: readonly Anchor[]
let size: number
let cosigner: NoteVerifier

beforeAll(async () => {
  opened = new AsyncDisposableStack()
  place = await openExportTest()
  opened.defer(() => place.close())
  log = place.log
  await keepKey(log, log.key)
  const authority = await createAuthority({ commonName: 'Witness CA', days: 1 })
  const identity = await issueServerCertificate(authority, { dnsNames: ['witness.test'], days: 1 })
  const witness = await openWitness({
    state: opened.use(temporaryDirectory()).path,
    logs: [log.key.verifier],
    defaultName: 'witness.test',
    clock: systemClock,
  })
  const quiet = openLogger({ level: 'error', destination: { write: () => true } })
  const listening = { host: '127.0.0.1', port: 0, ...identity, log: quiet }
  const server = opened.adopt(await serveWitness(witness, listening), it => it.close())
  const fetcher = openFetcher({
    ca: authority.certificate,
    allowedNetworks: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' }],
    lookup: () => Promise.resolve(['127.0.0.1']),
  })
  cosigner = parseVerifier(witness.verifier)
  const own = openOwnLog(log.gateway)
  const url = new URL(`https://witness.test:${server.port}`)
  directory = opened.use(temporaryDirectory()).path
  anchors = [
    openDirectoryAnchor(directory, own),
    openWitnessAnchor({ url, verifier: cosigner }, own, fetcher),
  ]
})
afterAll(() => opened.disposeAsync())

const tables = [
  'audit_events',
  'audit_leaves',
  'audit_tiles',
  'audit_checkpoints',
  'audit_anchors',
  'audit_anchor_states',
  'log_keys',
]

/** As superuser, with no trigger in the way. */
function tamper(work: (trx: Knex.Transaction) => Promise<unknown>): Promise<unknown> {
  return log.superuser.transaction(async trx => {
    for (const table of tables) await trx.raw(`ALTER TABLE ${table} DISABLE TRIGGER ALL`)
    await work(trx)
    for (const table of tables) await trx.raw(`ALTER TABLE ${table} ENABLE TRIGGER ALL`)
  })
}

async function dump(to: string): Promise<void> {
  await log.superuser.raw(`CREATE SCHEMA ${to}`)
  for (const table of tables) await log.superuser.raw(`CREATE TABLE ${to}.${table} AS TABLE public.${table}`)
}

function restore(from: string): Promise<unknown> {
  return tamper(async trx => {
    for (const table of tables) await trx.raw(`DELETE FROM ${table}`)
    for (const table of tables)
      await trx.raw(`INSERT INTO ${table} OVERRIDING SYSTEM VALUE TABLE ${from}.${table}`)
  })
}

/** A replica that starts on what the database holds now. */
async function start(): Promise<Set<string>> {
  const one = replica(log, anchors)
  await one.pass()
  await one.stop()
  return one.alarms
}

async function standings(): Promise<Record<string, string>> {
  const rows = await log
    .owner('audit_anchor_states')
    .select<{ anchor: string; state: string }[]>('anchor', 'state')
  return Object.fromEntries(rows.map(({ anchor, state }) => [anchor, state]))
}

/** What an auditor finds, who has an export of the database as it is now, and looks into the anchor's directory. */
async function audited(witnesses: readonly NoteVerifier[] = []) {
  const to = place.place()
  await exported(log.superuser, to)
  return verified(to, { keys: [log.key.verifier], anchors: [...readNotes(directory)], witnesses })
}

beforeEach(async () => {
  await grow(log, 20)
  expect(await start()).toEqual(new Set())
  // So it says itself that its newest checkpoint is anchored.
  await dump('yesterday')
  await grow(log, 30)
  size = (await latestCheckpoint(log.owner))?.size ?? 0
  expect(await start()).toEqual(new Set())
  expect(await standings()).toEqual({ directory: 'well', 'witness/witness.test': 'well' })
  expect((await audited()).findings).toEqual([])
  await dump('today')
})
afterEach(async () => {
  await restore('today')
  await log.superuser.raw('DROP SCHEMA yesterday, today CASCADE')
})

const bothAhead = { directory: 'ahead', 'witness/witness.test': 'ahead' }

test('yesterday’s database is restored: every anchor has more than it', async () => {
  const running = replica(log, anchors)
  await running.pass()
  await restore('yesterday')
  await running.pass()
  expect(running.alarms).toEqual(new Set(['anchor_ahead']))
  await running.stop()

  await restore('yesterday')
  expect(await start()).toEqual(new Set(['anchor_ahead']))
  expect(await standings()).toEqual(bothAhead)
  const { ok, findings } = await audited()
  expect({ ok, findings }).toMatchObject({ ok: false, findings: [{ code: 'truncated', next: size }] })
})

test('yesterday’s database is restored, and goes on until it is larger: every anchor has another log', async () => {
  await restore('yesterday')
  await grow(log, 100)
  expect(await start()).toEqual(new Set(['anchor_ahead']))
  expect(await standings()).toEqual(bothAhead)
  const { ok, findings } = await audited()
  expect({ ok, findings: findings.map(({ code }) => code) }).toEqual({ ok: false, findings: ['forked'] })
})

test('the end of the log is cut off, with whatever says that it was anchored', async () => {
  await tamper(async trx => {
    const end = size - 5
    await trx.raw('DELETE FROM audit_events WHERE seq IN (SELECT seq FROM audit_leaves WHERE leaf >= ?)', [
      end,
    ])
    // What was not in the log yet goes with it.
    await trx.raw('DELETE FROM audit_events WHERE seq NOT IN (SELECT seq FROM audit_leaves)')
    await trx.raw('DELETE FROM audit_leaves WHERE leaf >= ?', [end])
    await trx.raw('DELETE FROM audit_checkpoints WHERE size > ?', [end])
    await trx.raw('TRUNCATE audit_anchors, audit_anchor_states')
  })
  expect(await start()).toEqual(new Set(['anchor_ahead']))
  expect(await standings()).toEqual(bothAhead)
  expect((await audited()).findings).toMatchObject([{ code: 'truncated', next: size }])
})

test('a log is made anew under the same name, with another key: no anchor takes it, and no auditor', async () => {
  const other = noteSigner(log.key.verifier.name, generateKeyPairSync('ed25519').privateKey)
  await tamper(async trx => {
    for (const table of tables) await trx.raw(`DELETE FROM ${table}`)
  })
  await keepKey(log, other)
  await log.append(size + 50)
  const alarms = { raise: () => undefined, clear: () => undefined }
  const quiet = openLogger({ level: 'error', destination: { write: () => true } })
  const options = { knex: log.gateway, clock: systemClock, log: quiet, alarms, every: 10 ** 9 }
  const sequencer = openSequencer({ ...options, key: other })
  await log.settled(sequencer)
  await sequencer.stop()

  await start()
  expect(await standings()).toEqual({ directory: 'failing', 'witness/witness.test': 'failing' })
  const reasons = await log.owner('audit_anchor_states').pluck<string[]>('reason')
  expect(reasons).toEqual(['log_unknown', 'log_unknown'])
  const { ok, findings } = await audited()
  expect({ ok, codes: findings.map(({ code }) => code) }).toMatchObject({
    ok: false,
    codes: expect.arrayContaining(['signature_missing']) as string[],
  })
})

test('nothing was done to it: a replica that starts anew finds nothing', async () => {
  expect(await start()).toEqual(new Set())
  await grow(log, 5)
  expect(await start()).toEqual(new Set())
  const { ok, witnessed } = await audited([cosigner])
  expect({ ok, witnessed }).toMatchObject({
    ok: true,
    witnessed: [{ witness: 'witness.test', size: (await latestCheckpoint(log.owner))?.size }],
  })
})
