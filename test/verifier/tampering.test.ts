import { randomInt } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leafHash } from '../../src/tlog/index.ts'
import { type Finding, verifyExport } from '../../src/verifier/index.ts'
import {
  exportFiles,
  signedCheckpoint,
  syntheticBody,
  syntheticLog,
  writeFiles,
} from '../support/audit-export.ts'

/** Leaves, from the first up to but not including the second, or a file: where it must show. */
type Place = readonly [number, number] | string

const size = 1_500
const events = 'events/000000000000.jsonl'
const log = syntheticLog(size)
const hashes = log.bodies.map(body => leafHash(body))
const checkpoints = [256, 700, 1_200]
const whole = exportFiles(log, checkpoints, hashes)
const lines = log.bodies.map((body, leaf) => `{"leaf":${leaf},"event":${body}}`)
const anchor = (upTo: number) => ({
  where: `anchor ${upTo}`,
  note: signedCheckpoint(hashes.slice(0, upTo), log.signer),
})
const options = { keys: [log.signer.verifier], anchors: [anchor(400), anchor(900), anchor(size)] }

let directory: string

beforeAll(() => {
  // In memory where there is some: a file is written for each tampering.
  directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sealpost-tampering-'))
  writeFiles(directory, whole)
})

afterAll(() => {
  rmSync(directory, { recursive: true })
})

test('left alone, nothing is found', () => {
  expect(verifyExport([directory], options)).toMatchObject({ ok: true, cautions: [], events: size })
})

/** What a tampering changes; lines are by leaf until the file is written, so that one does not move the place of another. */
interface Copy {
  /** What stands where the line of a leaf stood. */
  readonly lines: Map<number, Buffer>
  readonly files: Map<string, Buffer>
}

const lineOf = (leaf: number): Buffer => Buffer.from(`${lines[leaf]!}\n`)
const tileOf = (leaf: number): string => {
  const [width, name] = [
    Math.min(256, size - (leaf - (leaf % 256))),
    String(Math.floor(leaf / 256)).padStart(3, '0'),
  ]
  return width === 256 ? `tile/0/${name}` : `tile/0/${name}.p/${width}`
}

function flipBit(octets: Buffer, from = 0, to = octets.length): Buffer {
  const flipped = Buffer.from(octets)
  const at = randomInt(from, to)
  flipped[at] = flipped[at]! ^ (1 << randomInt(8))
  return flipped
}

function fileOf({ files }: Copy, name: string): Buffer {
  return files.get(name) ?? whole.get(name)!
}

/** Each takes leaves that nothing else touches, in growing order, and says where it must show. */
const local: Record<string, (copy: Copy, a: number, b: number) => readonly Place[]> = {
  'a bit of a line': (copy, a) => {
    copy.lines.set(a, flipBit(lineOf(a)))
    return [[a, a + 1]]
  },
  'a value of an event': (copy, a) => {
    copy.lines.set(a, Buffer.from(lineOf(a).toString().replace('message.accepted', 'message.rejected')))
    return [[a, a + 1]]
  },
  'a line under the number of a later leaf': (copy, a) => {
    const later = a + 1 + randomInt(size - a - 1)
    copy.lines.set(a, Buffer.from(lineOf(a).toString().replace(`"leaf":${a},`, `"leaf":${later},`)))
    return [[a, a + 1]]
  },
  'a line deleted': (copy, a) => {
    copy.lines.set(a, Buffer.alloc(0))
    return [[a, a + 1]]
  },
  'a line twice': (copy, a) => {
    copy.lines.set(a, Buffer.concat([lineOf(a), lineOf(a)]))
    return [[a, a + 1]]
  },
  'a line of another event inserted': (copy, a) => {
    const forged = `{"leaf":${a},"event":${syntheticBody(size + randomInt(1_000))}}\n`
    copy.lines.set(
      a,
      Buffer.concat(randomInt(2) === 0 ? [lineOf(a), Buffer.from(forged)] : [Buffer.from(forged), lineOf(a)]),
    )
    return [[a, a + 1]]
  },
  'a line moved': (copy, a, b) => {
    copy.lines.set(a, Buffer.alloc(0))
    copy.lines.set(b, Buffer.concat([lineOf(b), lineOf(a)]))
    return [[a, a + 1]]
  },
  'two lines swapped': (copy, a, b) => {
    copy.lines.set(a, lineOf(b))
    copy.lines.set(b, lineOf(a))
    return [a, b].map(leaf => [leaf, leaf + 1])
  },
  'two events swapped, each under the number of the other': (copy, a, b) => {
    const renumbered = (to: number, body: string) => Buffer.from(`{"leaf":${to},"event":${body}}\n`)
    copy.lines.set(a, renumbered(a, log.bodies[b]!))
    copy.lines.set(b, renumbered(b, log.bodies[a]!))
    return [a, b].map(leaf => [leaf, leaf + 1])
  },
  'a bit of a tile of leaves': (copy, a) => {
    const octets = fileOf(copy, tileOf(a))
    copy.files.set(tileOf(a), flipBit(octets, (a % 256) * 32, ((a % 256) + 1) * 32))
    return [[a, a + 1]]
  },
  'an event and its hash in the tile': (copy, leaf) => {
    // Of the last tile only the root would tell: that is for those that make all of the log anew.
    const a = leaf % 1_280
    const body = syntheticBody(size + randomInt(1_000))
    copy.lines.set(a, Buffer.from(`{"leaf":${a},"event":${body}}\n`))
    const octets = Buffer.from(fileOf(copy, tileOf(a)))
    leafHash(body).copy(octets, (a % 256) * 32)
    copy.files.set(tileOf(a), octets)
    // By the tile above, some leaf of this tile was changed; which, only an older checkpoint could tell.
    const first = a - (a % 256)
    return [[first, first + 256]]
  },
}

/** Each has the directory for itself. */
const files: Record<string, (copy: Copy) => readonly Place[]> = {
  'a bit of the checkpoint': copy => {
    copy.files.set('checkpoint', flipBit(whole.get('checkpoint')!))
    return ['checkpoint']
  },
  'a bit of an older checkpoint': copy => {
    const name = `checkpoints/${checkpoints[randomInt(checkpoints.length)]!}`
    copy.files.set(name, flipBit(whole.get(name)!))
    return [name]
  },
  'a bit of a tile of leaves': copy => {
    const leaf = randomInt(size)
    return local['a bit of a tile of leaves']!(copy, leaf, leaf)
  },
  'a bit of the tile above': copy => {
    const at = randomInt(5)
    copy.files.set('tile/1/000.p/5', flipBit(whole.get('tile/1/000.p/5')!, at * 32, at * 32 + 32))
    return [[at * 256, (at + 1) * 256]]
  },
  'a tile cut short': copy => {
    const leaf = randomInt(size)
    const octets = whole.get(tileOf(leaf))!
    copy.files.set(tileOf(leaf), octets.subarray(0, randomInt(octets.length)))
    const first = leaf - (leaf % 256)
    return [[first, Math.min(first + 256, size)]]
  },
  'the tail of the lines cut off': copy => {
    const from = randomInt(size)
    for (let leaf = from; leaf < size; leaf += 1) copy.lines.set(leaf, Buffer.alloc(0))
    return [[from, size]]
  },
  'the file cut off in the midst of a line': copy => {
    const from = randomInt(size)
    copy.lines.set(from, lineOf(from).subarray(0, 1 + randomInt(lineOf(from).length - 1)))
    for (let leaf = from + 1; leaf < size; leaf += 1) copy.lines.set(leaf, Buffer.alloc(0))
    return [[from, size]]
  },
}

function spread(count: number, steps = size / 3): number[] {
  // Neighbours would blur the place.
  const taken = new Set<number>()
  while (taken.size < count) taken.add(1 + 3 * randomInt(steps - 1))
  return [...taken].sort((a, b) => a - b)
}

function verify({ lines: changed, files: altered }: Copy): readonly Finding[] {
  if (changed.size > 0)
    altered.set(events, Buffer.concat(lines.map((_, leaf) => changed.get(leaf) ?? lineOf(leaf))))
  for (const [name, octets] of altered) writeFileSync(join(directory, name), octets)
  const { findings, ok } = verifyExport([directory], options)
  for (const name of altered.keys()) writeFileSync(join(directory, name), whole.get(name)!)
  expect(ok).toBe(findings.length === 0)
  return findings
}

const shows = ({ where, first = -1, next = -1 }: Finding, place: Place): boolean =>
  typeof place === 'string' ? where === join(directory, place) : first <= place[1] && next >= place[0]

/** It shows in no larger a piece of the log than it must. */
const isExact = ({ first = 0, next = 0 }: Finding, place: Place): boolean =>
  typeof place === 'string' || next - first <= Math.max(place[1] - place[0], 256)

/** What comes of another finding: a tree that is another from one leaf on is so to its end. And a line that says another leaf is told by that. */
const isConsequence = ({ code, where }: Finding): boolean =>
  ['root_wrong', 'forked', 'checkpoint_wrong', 'line_misplaced', 'line_malformed'].includes(code) ||
  (code === 'tile_wrong' && where.includes('tile/1/'))

const random = <Value>(values: Record<string, Value>): [string, Value] => {
  const entries = Object.entries(values)
  return entries[randomInt(entries.length)]!
}

const inBatches = 9_600
const together = 30
const alone = 200
const anew = 200

// A machine that is busy with the rest of the tests takes its time.
const timeout = 180_000

test(`${inBatches} tamperings, ${together} at a time: each shows at its place, and nothing else does`, {
  timeout,
}, () => {
  for (let done = 0; done < inBatches; done += together) {
    const copy: Copy = { lines: new Map(), files: new Map() }
    const leaves = spread(2 * together)
    const places = Array.from({ length: together }, () => {
      const [name, tamper] = random(local)
      const [a, b] = leaves.splice(randomInt(leaves.length - 1), 2) as [number, number]
      return { name, place: tamper(copy, a, b) }
    })
    const findings = verify(copy)
    for (const { name, place } of places)
      for (const each of place)
        expect(
          findings.some(finding => shows(finding, each) && isExact(finding, each)),
          `${name} ${String(each)}`,
        ).toBe(true)
    const all = places.flatMap(({ place }) => place)
    for (const finding of findings)
      expect(isConsequence(finding) || all.some(each => shows(finding, each)), JSON.stringify(finding)).toBe(
        true,
      )
  }
})

test(`${alone} tamperings with files: each shows at its place`, { timeout }, () => {
  for (let done = 0; done < alone; done += 1) {
    const copy: Copy = { lines: new Map(), files: new Map() }
    const [name, tamper] = random(files)
    const places = tamper(copy)
    const findings = verify(copy)
    for (const place of places)
      expect(
        findings.some(finding => shows(finding, place)),
        `${name} ${String(place)}`,
      ).toBe(true)
  }
})

/** What whoever rules the database can make of the events, and the first leaf that is then another. */
const forgeries: Record<string, (bodies: readonly string[], a: number, b: number) => readonly string[]> = {
  changed: (bodies, a) => bodies.with(a, syntheticBody(size + randomInt(1_000))),
  deleted: (bodies, a) => bodies.toSpliced(a, 1),
  inserted: (bodies, a) => bodies.toSpliced(a, 0, syntheticBody(size + randomInt(1_000))),
  swapped: (bodies, a, b) => bodies.with(a, bodies[b]!).with(b, bodies[a]!),
  reordered: (bodies, a, b) => bodies.toSpliced(b, 1).toSpliced(a, 0, bodies[b]!),
  'cut off and made longer again': (bodies, a) => [
    ...bodies.slice(0, a),
    ...bodies.slice(a).map((_, at) => syntheticBody(2 * size + at)),
  ],
}

/** A shorter log, because each of these is written and hashed from its first event. */
const short = { ...log, bodies: log.bodies.slice(0, 600) }
const marks = [150, 300, 450]
const outside = { keys: options.keys, anchors: [200, 400, 600].map(anchor) }
const between = (sizes: readonly number[], leaf: number) => ({
  first: sizes.findLast(each => each <= leaf) ?? 0,
  next: sizes.find(each => each > leaf),
})

test(`${anew} times all of the log is made anew, or put back: each shows at its place`, { timeout }, () => {
  const place = join(directory, 'anew')
  for (let done = 0; done < anew; done += 1) {
    const [a, b] = spread(2, 200) as [number, number]
    const back = done % 4 === 0
    const [name, forge] = random(forgeries)
    const forged = { ...short, bodies: back ? short.bodies.slice(0, a) : forge(short.bodies, a, b) }
    const files = exportFiles(
      forged,
      marks.filter(mark => mark < forged.bodies.length),
    )
    // Without the log's key the old signatures are all there is.
    const withKey = !back && done % 4 !== 1
    if (!back && !withKey && forged.bodies.length === 600)
      for (const upTo of [...marks, 600])
        files.set(upTo === 600 ? 'checkpoint' : `checkpoints/${upTo}`, Buffer.from(anchor(upTo).note))
    const signed = withKey || forged.bodies.length !== 600
    rmSync(place, { recursive: true, force: true })
    writeFiles(place, files)
    const { ok, findings } = verifyExport([place], signed ? outside : { keys: options.keys })
    expect(ok).toBe(false)
    const fork = back ? undefined : signed ? firstFork(a, forged.bodies.length) : undefined
    if (back) expect(findings).toContainEqual({ code: 'truncated', where: 'anchor 600', first: a, next: 600 })
    else if (fork !== undefined)
      expect(findings, `${name} from ${a}`).toContainEqual(expect.objectContaining(fork))
    else {
      const { next } = between([...marks, 600], a)
      const is = (found: Finding) =>
        found.first! <= a && found.next === next && found.next! - found.first! <= 200
      expect(findings.some(is), `${name} from ${a}: ${JSON.stringify(findings)}`).toBe(true)
    }
  }
})

/** By the log's key all is signed; only the anchors tell, up to the one before and no further. */
function firstFork(leaf: number, length: number): Partial<Finding> {
  const { first, next } = between([200, 400, 600], leaf)
  return next !== undefined && next <= length
    ? { code: 'forked', where: `anchor ${next}`, first, next }
    : { code: 'truncated', where: 'anchor 600', first: length, next: 600 }
}
