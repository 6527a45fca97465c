import { expect, test } from 'vitest'
import { judgeAlarms } from '../../src/doctor/checks/alarms.ts'
import { judgeAnchors } from '../../src/doctor/checks/anchors.ts'
import { judgeSkew } from '../../src/doctor/checks/database.ts'
import { judgeModes } from '../../src/doctor/checks/files.ts'
import { disk, nodeRelease, swap } from '../../src/doctor/checks/host.ts'
import { examine } from '../../src/doctor/index.ts'
import { SealpostError } from '../../src/kernel/index.ts'

test.each([
  ['26.10.0', 'warn'],
  ['26.12.0', 'warn'],
  ['26.12.1', 'ok'],
  ['26.13.0', 'ok'],
  ['24.22.0', 'warn'],
  ['24.22.1', 'ok'],
  ['22.99.0', 'fail'],
  ['25.1.0', 'fail'],
  ['27.0.0', 'ok'],
])('Node %s: %s', (version, verdict) => {
  expect(nodeRelease(version).verdict).toBe(verdict)
})

test.each([
  [[0o100600, 0o100400], 'ok'],
  [[0o100640], 'warn'],
  [[0o100604], 'fail'],
  [[0o100600, 0o100666], 'fail'],
])('secret files of modes %j: %s', (modes, verdict) => {
  expect(judgeModes(modes.map(mode => ({ setting: 'KEY', mode }))).verdict).toBe(verdict)
})

test('swap, disk and clocks', () => {
  const head = 'Filename\tType\tSize\tUsed\tPriority\n'
  expect(swap(head).verdict).toBe('ok')
  expect(swap(`${head}/dev/sda2 partition 100 0 -2\n`)).toMatchObject({
    verdict: 'warn',
    found: expect.stringContaining('sda2') as string,
  })
  expect([50, 5, 1].map(bavail => disk({ bavail, blocks: 100 }).verdict)).toEqual(['ok', 'warn', 'fail'])
  expect([0, -500, 2_000, -6_000].map(skew => judgeSkew(skew).verdict)).toEqual(['ok', 'ok', 'warn', 'fail'])
})

test('alarms: one that stops the replica fails, another warns, and the first to act on comes first', () => {
  const since = new Date()
  expect(judgeAlarms([]).verdict).toBe('ok')
  expect(judgeAlarms([{ code: 'clock_wrong', since }]).verdict).toBe('warn')
  const both = judgeAlarms([
    { code: 'clock_wrong', since },
    { code: 'anchor_ahead', since },
  ])
  expect(both).toMatchObject({ verdict: 'fail', remedy: expect.stringContaining('backup') as string })
  expect(both.found).toContain('clock_wrong')
})

test('a check that breaks or never ends is a failure of its own and keeps no other from its verdict', async () => {
  const findings = await examine([
    { name: 'breaks', run: () => Promise.reject(new TypeError('secret 4111111111111111')) },
    { name: 'refuses', run: () => Promise.reject(new SealpostError('schema_outdated', { detail: 'queue' })) },
    { name: 'hangs', deadline: 20, run: () => new Promise(() => undefined) },
    { name: 'fine', run: () => ({ verdict: 'ok', found: 'yes' }) },
  ])
  expect(findings.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['breaks', 'fail'],
    ['refuses', 'fail'],
    ['hangs', 'fail'],
    ['fine', 'ok'],
  ])
  expect(JSON.stringify(findings)).not.toContain('4111')
  expect(findings[1]).toMatchObject({ found: expect.stringContaining('queue') as string })
})

test('anchors: none is a warning, fewer than the policy wants and one that is ahead are failures', () => {
  const since = new Date('2026-11-20T12:00:00Z')
  const well = {
    anchor: 'directory',
    state: 'well',
    since,
    reason: null,
    newest: { size: 8, at: since },
  } as const
  const failing = { ...well, anchor: 'witness/w1', state: 'failing', reason: 'timeout' } as const
  expect(judgeAnchors(0, 0, [])).toMatchObject({ verdict: 'warn' })
  expect(judgeAnchors(0, 1, [])).toMatchObject({ verdict: 'fail' })
  expect(judgeAnchors(1, 1, [well])).toEqual({ verdict: 'ok', found: 'directory has 8 leaves' })
  expect(judgeAnchors(1, 2, [well])).toMatchObject({ verdict: 'fail' })
  expect(judgeAnchors(2, 1, [well, failing])).toMatchObject({
    verdict: 'warn',
    found: 'witness/w1: timeout since 2026-11-20T12:00:00.000Z',
  })
  expect(judgeAnchors(1, 0, [well, { ...failing, state: 'ahead' }])).toMatchObject({ verdict: 'fail' })
})
