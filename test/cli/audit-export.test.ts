import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { latestCheckpoint } from '../../src/audit-log/index.ts'
import { formatVerifier } from '../../src/tlog/index.ts'
import type { Report } from '../../src/verifier/index.ts'
import { grow, openExportTest } from '../audit-log/export/support.ts'
import { asOwnerOf, command } from '../support/command.ts'

let opened: Awaited<ReturnType<typeof openExportTest>>

beforeAll(async () => {
  opened = await openExportTest()
  await grow(opened.log, 300)
})

afterAll(() => opened.close())

const run = (args: readonly string[]) => command(['audit', ...args])
const onHost = (...args: readonly string[]) => command(['audit', ...args], asOwnerOf(opened.log.database))

test('what export writes, verify verifies without any setting; what was changed after that, it names', async () => {
  const to = opened.place()
  const exported = await onHost('export', '--to', to, '--json')
  expect(exported).toMatchObject({ status: 0, stderr: '300 of 300 leaves\n' })
  expect(JSON.parse(exported.stdout)).toEqual({
    directory: to,
    size: 300,
    first: 0,
    next: 300,
    events: 300,
    resumed: false,
  })

  const key = join(to, '..', 'log.vkey')
  const anchor = join(to, '..', 'anchored')
  writeFileSync(key, `${formatVerifier(opened.log.key.verifier)}\n`)
  writeFileSync(anchor, (await latestCheckpoint(opened.log.owner))!.note)
  const verified = await run(['verify', to, '--key', key, '--anchor', anchor])
  expect(verified).toMatchObject({ status: 0, stderr: '' })
  expect(verified.stdout).toMatch(/events verified: 300[^]*OK: nothing is wrong\n$/)

  appendFileSync(join(to, 'events/000000000000.jsonl'), '{"leaf":300,"event":{}}\n')
  const json = await run(['verify', to, '--key', key, '--json'])
  expect(json.status).toBe(1)
  expect((JSON.parse(json.stdout) as Report).findings).toEqual([
    { code: 'line_misplaced', where: join(to, 'events/000000000000.jsonl:301'), first: 300, next: 301 },
  ])
  expect((await run(['verify', to, '--key', key])).stdout).toMatch(
    /^line_misplaced at [^]*WRONG: 1 finding\n$/,
  )
})

test('a wrong call is told from a wrong log', async () => {
  expect(await run(['verify', '/nowhere', '--key', '/nowhere'])).toMatchObject({ status: 2 })
  expect((await run(['verify', '/nowhere'])).stdout).toContain('checkpoint_missing')
  const place = opened.place()
  const young = new Date(Date.now() + 40 * 24 * 3_600_000).toISOString().slice(0, 7)
  const archived = await onHost('archive', '--before', young, '--to', place)
  expect(archived.status).toBe(2)
  expect(archived.stderr).toMatch(/^archive_refused: /)
  expect((await onHost('archive', '--before', '2020-01', '--to', place, '--json')).stdout).toBe(
    '{\n  "archived": null\n}\n',
  )
})
