import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type Anchor,
  AnchorAheadError,
  AnchorError,
  type Anchoring,
  anchoredBy,
  anchorHealth,
  anchorsOf,
  checkpointForEvidence,
  latestCheckpoint,
  openDirectoryAnchor,
  openOwnLog,
  recordAnchored,
} from '../../../src/audit-log/index.ts'
import { systemClock } from '../../../src/kernel/index.ts'
import { grow } from '../export/support.ts'
import { openTestLog, type TestLog } from '../sequencer/support.ts'
import { keepKey, replica, temporaryDirectory } from './support.ts'

let log: TestLog
beforeAll(async () => {
  log = await openTestLog()
  await keepKey(log, log.key)
})
afterAll(() => log.close())

const open: Anchoring[] = []
beforeEach(() => grow(log, 2))
afterEach(async () => {
  for (const anchoring of open.splice(0)) await anchoring.stop()
  await log.owner('audit_anchor_states').delete()
})

/** Minutes pass when the test says so. */
function minutes() {
  let passed = 0
  return {
    now: () => new Date(Date.UTC(2026, 10, 20) + passed * 60_000),
    pass: (more: number) => (passed += more),
  }
}

/** The first pass of a replica is over when this resolves. */
async function started(anchors: readonly Anchor[], options = {}) {
  const one = replica(log, anchors, options)
  open.push(one)
  await one.pass()
  return one
}

/** An anchor that does what the test says, and remembers the sizes that it was given. */
function scripted(name: string) {
  const given: number[] = []
  const script: { answer: () => Promise<string | undefined> } = { answer: () => Promise.resolve(undefined) }
  const anchor: Anchor = {
    name,
    anchor({ size }) {
      given.push(size)
      return script.answer()
    },
  }
  return { anchor, given, script }
}

async function newestSize(): Promise<number> {
  return (await latestCheckpoint(log.owner))?.size ?? 0
}

async function eventsOf(anchor: string): Promise<string[]> {
  return log
    .owner('audit_events')
    .whereRaw(`body::jsonb ->> 'anchor' = ?`, [anchor])
    .orderBy('seq')
    .pluck<string[]>('type')
}

test('the newest checkpoint goes to every anchor once, and what they answer is kept', async () => {
  const [one, two] = [scripted('one'), scripted('two')]
  two.script.answer = () => Promise.resolve('— a cosignature\n')
  const anchoring = await started([one.anchor, two.anchor])
  await anchoring.pass()
  const size = await newestSize()
  expect([one.given, two.given].map(given => new Set(given))).toEqual([new Set([size]), new Set([size])])
  expect(await anchorsOf(log.gateway, { size })).toMatchObject([
    { anchor: 'one', receipt: undefined },
    { anchor: 'two', receipt: '— a cosignature\n' },
  ])
  await grow(log, 3)
  await anchoring.pass()
  expect(one.given.at(-1)).toBe(size + 3)
  expect(await anchoredBy(log.gateway, size + 3)).toEqual(['one', 'two'])
  expect(await eventsOf('one')).toEqual([])
})

test('another replica takes its first checkpoint there too, whatever the database says; nothing is kept twice', async () => {
  const { anchor, given } = scripted('again')
  await started([anchor])
  const once = given.length
  const other = await started([anchor])
  expect(given.length).toBeGreaterThan(once)
  expect(new Set(given).size).toBe(1)
  const before = given.length
  await other.pass()
  expect(given.length).toBe(before)
})

test('one replica at a time is at the anchors, and none of them holds a transaction open meanwhile', async () => {
  const { anchor, given, script } = scripted('slow')
  const begun = Promise.withResolvers<undefined>()
  const end = Promise.withResolvers<undefined>()
  script.answer = () => {
    begun.resolve(undefined)
    return end.promise
  }
  const first = replica(log, [anchor])
  open.push(first)
  await begun.promise
  const other = scripted('slow')
  const second = await started([other.anchor])
  expect(other.given).toEqual([])
  const { rows } = await log.superuser.raw<{ rows: { count: number }[] }>(
    `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
        AND backend_type = 'client backend'
        AND pid <> pg_backend_pid()`,
  )
  expect(rows[0]?.count).toBe(0)
  end.resolve(undefined)
  await first.pass()
  await second.pass()
  expect([given.length, other.given.length]).toEqual([1, 1])
})

test('a crash between anchored and recorded: the next pass records what the directory has already', async () => {
  using directory = temporaryDirectory()
  const anchor = openDirectoryAnchor(directory.path, openOwnLog(log.gateway))
  const checkpoint = await latestCheckpoint(log.owner)
  if (checkpoint === undefined) throw new Error('the log has one')
  await anchor.anchor(checkpoint, () => Promise.resolve([]))
  expect(await anchoredBy(log.owner, checkpoint.size)).not.toContain('directory')
  await started([anchor])
  expect(await anchoredBy(log.owner, checkpoint.size)).toContain('directory')
})

test('an anchor that fails is tried again, ever more seldom; after three intervals it is an alarm', async () => {
  const { anchor, given, script } = scripted('failing')
  const time = minutes()
  script.answer = () => Promise.reject(new AnchorError('connect_failed', new Error('4111111111111111')))
  const anchoring = await started([anchor], { now: time.now })
  // Twice at the start: by itself, and when the test said so.
  expect(given).toHaveLength(2)
  const tries: number[] = []
  for (let minute = 1; minute <= 45; minute++) {
    time.pass(1)
    const before = given.length
    await anchoring.pass()
    if (given.length > before) tries.push(minute)
    expect(anchoring.alarms.has('anchor_unreachable')).toBe(minute >= 3)
  }
  expect(tries).toEqual([2, 6, 14, 29, 44])
  expect(await eventsOf('failing')).toEqual(['anchor.failed'])
  expect(await anchorHealth(log.gateway)).toMatchObject([
    { anchor: 'failing', state: 'failing', reason: 'connect_failed', newest: undefined },
  ])

  script.answer = () => Promise.resolve(undefined)
  time.pass(15)
  await anchoring.pass()
  expect(anchoring.alarms).toEqual(new Set())
  expect(await eventsOf('failing')).toEqual(['anchor.failed', 'anchor.recovered'])
})

test('an anchor that fails, or never answers, does not keep the others from theirs', async () => {
  const [bad, good, mute] = [scripted('bad'), scripted('good'), scripted('mute')]
  bad.script.answer = () => Promise.reject(new TypeError('a bug'))
  mute.script.answer = () => new Promise(() => undefined)
  await started([bad.anchor, good.anchor, mute.anchor], { patience: 100 })
  expect(await anchoredBy(log.gateway, await newestSize())).toContain('good')
  expect(await anchorHealth(log.gateway)).toMatchObject([
    { reason: 'error' },
    { state: 'well' },
    { reason: 'timeout' },
  ])
})

test('an anchor that is ahead stops every replica, and is not forgotten when it does not answer', async () => {
  const { anchor, script } = scripted('ahead')
  const time = minutes()
  const other = scripted('other')
  script.answer = () => Promise.reject(new AnchorAheadError(10 ** 6))
  const one = await started([anchor, other.anchor], { now: time.now })
  const two = await started([anchor, other.anchor], { now: time.now })
  const three = await started([anchor, other.anchor], { now: time.now })
  expect([one, two, three].map(({ alarms }) => [...alarms])).toEqual([
    ['anchor_ahead'],
    ['anchor_ahead'],
    ['anchor_ahead'],
  ])
  expect(await eventsOf('ahead')).toEqual(['anchor.ahead'])
  await expect(checkpointForEvidence(log.gateway, 0, 0)).rejects.toMatchObject({
    code: 'evidence_not_anchored',
    temporary: true,
  })

  script.answer = () => Promise.reject(new AnchorError('timeout'))
  time.pass(60)
  await one.pass()
  expect([...one.alarms]).toEqual(['anchor_ahead'])
  expect(await eventsOf('ahead')).toEqual(['anchor.ahead'])

  script.answer = () => Promise.resolve(undefined)
  time.pass(60)
  await one.pass()
  await two.pass()
  expect([...one.alarms, ...two.alarms]).toEqual([])
  expect(await eventsOf('ahead')).toEqual(['anchor.ahead', 'anchor.recovered'])
})

test('an anchor that is taken out of the settings while it was ahead is on record', async () => {
  const { anchor, script } = scripted('gone')
  script.answer = () => Promise.reject(new AnchorAheadError(10 ** 6))
  const before = await started([anchor])
  await before.stop()
  const after = await started([])
  expect([...after.alarms]).toEqual([])
  expect(await eventsOf('gone')).toEqual(['anchor.ahead', 'anchor.retired'])
  await expect(checkpointForEvidence(log.gateway, 0, 0)).resolves.toBeDefined()
})

test('evidence waits until as many different anchors as the policy wants have a checkpoint over it', async () => {
  const leaf = (await newestSize()) - 1
  await grow(log, 4)
  const first = await newestSize()
  await grow(log, 4)
  const second = await newestSize()
  const taken = (anchor: string, size: number) => recordAnchored(log.gateway, systemClock, { anchor, size })
  const size = async (quorum: number) => {
    const checkpoint = await checkpointForEvidence(log.gateway, leaf, quorum).catch((error: unknown) => error)
    return checkpoint instanceof Error
      ? (checkpoint as { code?: string }).code
      : (checkpoint as { size: number }).size
  }
  expect([await size(0), await size(1)]).toEqual([leaf + 1, 'evidence_not_anchored'])
  await taken('a', first)
  await taken('a', second)
  await taken('a', second)
  expect([await size(1), await size(2)]).toEqual([first, 'evidence_not_anchored'])
  await taken('b', second)
  expect([await size(1), await size(2), await size(3)]).toEqual([first, second, 'evidence_not_anchored'])
})
