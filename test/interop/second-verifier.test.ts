import { generateKeyPairSync, randomInt } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { archiveEvents, latestCheckpoint } from '../../src/audit-log/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { cosign, formatVerifier, noteSigner } from '../../src/tlog/index.ts'
import { type Finding, readNotes, verifyExport } from '../../src/verifier/index.ts'
import { actor, exported, grow, openExportTest } from '../audit-log/export/support.ts'
import { attempt } from './run.ts'

let opened: Awaited<ReturnType<typeof openExportTest>>
let base: string
let whole: string
let anchors: string
let copy: string
const witness = noteSigner('witness.test', generateKeyPairSync('ed25519').privateKey, 'cosignature')
const old = new Date(Date.now() - 200 * 24 * 60 * 60 * 1_000)

beforeAll(async () => {
  opened = await openExportTest()
  const { log, place } = opened
  base = mkdtempSync(join(tmpdir(), 'sealpost-second-'))
  anchors = join(base, 'anchor')
  await grow(log, 300, old)
  const older = await latestCheckpoint(log.owner)
  writeFileSync(anchors, older!.note)
  await grow(log, 300)
  whole = place()
  await exported(log.owner, whole)
  const head = readFileSync(join(whole, 'checkpoint'), 'utf8')
  writeFileSync(join(whole, 'checkpoint'), head + cosign(head, 1_800_000_000, witness))
})

afterAll(async () => {
  rmSync(base, { recursive: true })
  await opened.close()
})

interface Told {
  readonly ok: boolean
  readonly size: number
  readonly events: number
  readonly findings: readonly Finding[]
}

/** What the two say, the findings in one order. */
async function both(directories: readonly string[], ...more: readonly string[]): Promise<[Told, Told]> {
  const { verifier } = opened.log.key
  const ours = verifyExport(directories, {
    keys: [verifier],
    anchors: readNotes(anchors),
    witnesses: [witness.verifier],
    ...(more.includes('--part') && { needed: { first: 0, next: 0 } }),
  })
  const keys = ['--key', formatVerifier(verifier), '--witness', formatVerifier(witness.verifier)]
  const script = new URL('second-verifier.py', import.meta.url).pathname
  const ended = await attempt('python3', [script, ...directories, ...keys, '--anchor', anchors, ...more])
  expect(ended.complaint).toBe('')
  const theirs = JSON.parse(ended.output.toString()) as Told
  expect(ended.status).toBe(theirs.ok ? 0 : 1)
  const { ok, events, findings } = ours
  return [inOrder({ ok, size: ours.log?.size ?? 0, events, findings }), inOrder(theirs)]
}

function inOrder(told: Told): Told {
  const order = ({ code, where, first }: Finding) => `${code} ${where} ${first ?? ''}`
  return { ...told, findings: told.findings.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)) }
}

test('a verifier written from docs/audit-log.md alone finds nothing wrong with a real export', async () => {
  const [ours, theirs] = await both([whole])
  expect(ours).toMatchObject({ ok: true, events: 600 })
  expect(theirs).toEqual(ours)
})

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !['manifest.json', 'verifier'].includes(entry.name))
    .map(entry => join(entry.parentPath, entry.name))

const lines = 'events/000000000000.jsonl'
const ofLines = (change: (all: string[], a: number, b: number) => string[]) => (directory: string) => {
  const path = join(directory, lines)
  const all = readFileSync(path, 'utf8').trimEnd().split('\n')
  const [a, b] = [randomInt(all.length), randomInt(all.length)]
  writeFileSync(path, `${change(all, a, b).join('\n')}\n`)
}

test.each<[string, (directory: string) => void]>([
  ['a line deleted', ofLines((all, a) => all.toSpliced(a, 1))],
  ['a line twice', ofLines((all, a) => all.toSpliced(a, 0, all[a]!))],
  ['two lines swapped', ofLines((all, a, b) => all.with(a, all[b]!).with(b, all[a]!))],
  ['a line moved', ofLines((all, a, b) => all.toSpliced(a, 1).toSpliced(b, 0, all[a]!))],
  ['a value changed', ofLines((all, a) => all.with(a, all[a]!.replace('success', 'failure')))],
  [
    'a leaf renumbered',
    ofLines((all, a) => all.with(a, all[a]!.replace(/"leaf":\d+/, `"leaf":${randomInt(700)}`))),
  ],
  ['an empty line', ofLines((all, a) => all.toSpliced(a, 0, ''))],
  [
    'the last newline',
    directory => {
      const octets = readFileSync(join(directory, lines))
      writeFileSync(join(directory, lines), octets.subarray(0, -1))
    },
  ],
  ['the lines cut off', ofLines((all, a) => all.slice(0, a + 1))],
  [
    'any bit of any file',
    directory => {
      const all = files(directory)
      const path = all[randomInt(all.length)]!
      const octets = readFileSync(path)
      const at = randomInt(octets.length)
      octets[at] = octets[at]! ^ (1 << randomInt(8))
      writeFileSync(path, octets)
    },
  ],
  [
    'any file removed',
    directory => {
      const all = files(directory)
      rmSync(all[randomInt(all.length)]!)
    },
  ],
  [
    'any file cut short',
    directory => {
      const all = files(directory)
      const path = all[randomInt(all.length)]!
      const octets = readFileSync(path)
      writeFileSync(path, octets.subarray(0, randomInt(octets.length)))
    },
  ],
])('both say the same of %s', async (_, tamper) => {
  for (let times = 0; times < 3; times += 1) {
    copy = join(base, 'copy')
    cpSync(whole, copy, { recursive: true })
    tamper(copy)
    const [ours, theirs] = await both([copy])
    expect(theirs).toEqual(ours)
    rmSync(copy, { recursive: true })
  }
})

test('both take an archive and a later export for one log, and a filtered export for a part', async () => {
  const { log, place } = opened
  const [archive, later, filtered] = [place(), place(), place()] as const
  const before = new Date(Date.now() - 150 * 24 * 60 * 60 * 1_000)
  await log.owner('log_keys').insert({
    verifier: formatVerifier(log.key.verifier),
    origin: log.key.verifier.name,
    nonce: Buffer.alloc(1),
    sealed: Buffer.alloc(1),
    created_at: old,
  })
  await archiveEvents({ knex: log.owner, clock: systemClock, actor }, { before, to: archive })
  await grow(log, 10)
  await exported(log.owner, later)
  await exported(log.owner, filtered, { type: 'application.revoked' })
  for (const [directories, ...more] of [[[archive, later]], [[later]], [[filtered], '--part']] as const) {
    const [ours, theirs] = await both(directories, ...more)
    expect(theirs).toEqual(ours)
    // Of these, no head was cosigned.
    expect(ours.findings.map(({ code }) => code)).toEqual(
      directories[0] === later ? ['cosignature_missing', 'event_missing'] : ['cosignature_missing'],
    )
  }
})
