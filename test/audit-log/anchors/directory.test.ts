import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryAnchor } from '../../../src/audit-log/index.ts'
import { noteSigner } from '../../../src/tlog/index.ts'
import { growingLog } from '../../support/growing-log.ts'
import { ownLogOf, take, temporaryDirectory } from './support.ts'

const failed = (reason: string) => ({ name: 'AnchorError', reason })
const ahead = (size: number) => ({ name: 'AnchorAheadError', size })

test('each checkpoint is a file, named by its size, that nobody may write to', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(log))
  for (const size of [3, 3, 8, 300]) expect(await take(anchor, log, size)).toBeUndefined()
  expect(readdirSync(directory.path)).toEqual(['000000000003', '000000000008', '000000000300'])
  const file = join(directory.path, '000000000008')
  expect(readFileSync(file, 'utf8')).toBe(log.checkpoint(8).note)
  expect(statSync(file).mode & 0o222).toBe(0)
})

test('the log was cut off: the directory knows a larger one', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(log))
  await take(anchor, log, 9)
  await expect(take(anchor, log, 8)).rejects.toMatchObject(ahead(9))
  expect(readdirSync(directory.path)).toEqual(['000000000009'])
})

test('the log was cut off and went on otherwise: the directory knows another one', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  await take(openDirectoryAnchor(directory.path, ownLogOf(log)), log, 9)
  const fork = growingLog(log.signer, { seed: 'other', same: 8 })
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(fork))
  await expect(take(anchor, fork, 9)).rejects.toMatchObject(ahead(9))
  await expect(take(anchor, fork, 20)).rejects.toMatchObject(ahead(9))
  expect(readdirSync(directory.path)).toEqual(['000000000009'])
})

test.each(['', 'gateway.test/audit-log\n8\n'])(
  'what a crash left of a file (%j) is passed over, and the checkpoint written beside it',
  async piece => {
    using directory = temporaryDirectory()
    const log = growingLog()
    const anchor = openDirectoryAnchor(directory.path, ownLogOf(log, [8]))
    await take(anchor, log, 5)
    writeFileSync(join(directory.path, '000000000008'), piece)
    await take(anchor, log, 8)
    await take(anchor, log, 8)
    expect(readdirSync(directory.path)).toEqual(['000000000005', '000000000008', '000000000008.1'])
    expect(readFileSync(join(directory.path, '000000000008.1'), 'utf8')).toBe(log.checkpoint(8).note)
    await take(anchor, log, 12)
  },
)

test('what is no checkpoint of ours is not passed over, and hides no proof below it', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(log))
  await take(anchor, log, 9)
  const foreign = growingLog(noteSigner('elsewhere.test', generateKeyPairSync('ed25519').privateKey))
  writeFileSync(join(directory.path, '000000000099'), foreign.checkpoint(99).note)
  await expect(take(anchor, log, 10)).rejects.toMatchObject(failed('content_refused'))
  await expect(take(anchor, log, 8)).rejects.toMatchObject(ahead(9))
})

test('a checkpoint under the name of another size is refused', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  writeFileSync(join(directory.path, '000000000002'), log.checkpoint(5).note)
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(log))
  await expect(take(anchor, log, 10)).rejects.toMatchObject(failed('content_refused'))
})

test('a name that is taken by something else is never written through', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  const elsewhere = join(directory.path, 'elsewhere')
  const place = join(directory.path, 'anchors')
  mkdirSync(place)
  symlinkSync(elsewhere, join(place, '000000000008'))
  await expect(take(openDirectoryAnchor(place, ownLogOf(log)), log, 8)).rejects.toMatchObject(
    failed('not_writable'),
  )
  expect(readdirSync(directory.path)).toEqual(['anchors'])
})

test('a directory that is not there, or may not be written to, took nothing', async () => {
  using directory = temporaryDirectory()
  const log = growingLog()
  const missing = openDirectoryAnchor(join(directory.path, 'missing'), ownLogOf(log))
  await expect(take(missing, log, 8)).rejects.toMatchObject(failed('not_writable'))
  const anchor = openDirectoryAnchor(directory.path, ownLogOf(log))
  writeFileSync(join(directory.path, 'README'), 'other files do not matter')
  chmodSync(directory.path, 0o500)
  // Root may write everywhere, so there it is not refused.
  if (process.getuid?.() !== 0)
    await expect(take(anchor, log, 8)).rejects.toMatchObject(failed('not_writable'))
  chmodSync(directory.path, 0o700)
  await take(anchor, log, 8)
})
