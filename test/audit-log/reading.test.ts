import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  checkpointAt,
  consistencyProof,
  firstCheckpointCovering,
  inclusionProof,
  latestCheckpoint,
  leafOfEvents,
  leavesFrom,
  readTile,
} from '../../src/audit-log/index.ts'
import { leafHash, rootOfHashes, tilesOf, verifyConsistency, verifyInclusion } from '../../src/tlog/index.ts'
import { naiveTile } from '../tlog/naive.ts'
import { openTestLog, type TestLog } from './sequencer/support.ts'

const sizes = [1, 200, 256, 300, 513, 700]
let log: TestLog
let hashes: Buffer[]
beforeAll(async () => {
  log = await openTestLog()
  const sequencer = log.sequencer()
  let before = 0
  for (const size of sizes) {
    await log.append(size - before)
    await log.settled(sequencer)
    before = size
  }
  hashes = (await leavesFrom(log.gateway, 0, 1000)).map(({ body }) => leafHash(body))
})
afterAll(() => log.close())

test('the newest checkpoint, one of a size, and the first that has a leaf', async () => {
  expect(await latestCheckpoint(log.gateway)).toMatchObject({ size: 700, root: rootOfHashes(hashes) })
  expect(await checkpointAt(log.gateway, 300)).toMatchObject({
    size: 300,
    root: rootOfHashes(hashes.slice(0, 300)),
  })
  expect(await checkpointAt(log.gateway, 299)).toBeUndefined()
  expect((await firstCheckpointCovering(log.gateway, 255))?.size).toBe(256)
  expect((await firstCheckpointCovering(log.gateway, 256))?.size).toBe(300)
  expect(await firstCheckpointCovering(log.gateway, 700)).toBeUndefined()
})

test('events by their leaf, and leaves by their event', async () => {
  const page = await leavesFrom(log.gateway, 298, 3)
  expect(page.map(({ leaf }) => leaf)).toEqual([298, 299, 300])
  const ids = page.map(({ id }) => id)
  expect(await leafOfEvents(log.gateway, [...ids, 'evt_unknown'])).toEqual(
    new Map(page.map(({ id, leaf }) => [id, leaf])),
  )
  expect(await leavesFrom(log.gateway, 700, 3)).toEqual([])
})

test('every proof between checkpoints, and of any leaf, verifies', async () => {
  for (const [at, size] of sizes.entries()) {
    const root = rootOfHashes(hashes.slice(0, size))
    for (const leaf of new Set([0, size >> 1, size - 1])) {
      const proof = await inclusionProof(log.gateway, leaf, size)
      const hash = hashes[leaf] ?? Buffer.alloc(0)
      expect(verifyInclusion({ hash, leaf, size, proof, root }), `${leaf} of ${size}`).toBe(true)
    }
    for (const from of sizes.slice(0, at)) {
      const proof = await consistencyProof(log.gateway, from, size)
      const fromRoot = rootOfHashes(hashes.slice(0, from))
      expect(verifyConsistency({ from, fromRoot, to: size, toRoot: root, proof }), `${from} ${size}`).toBe(
        true,
      )
    }
  }
})

test('every tile of a tree, also of an older one, is as tlog-tiles defines it', async () => {
  for (const size of [256, 300, 700]) {
    for (const { level, index, width } of tilesOf(size)) {
      const tile = await readTile(log.gateway, level, index, width, size)
      expect(
        tile.equals(naiveTile(level, index, hashes.slice(0, size))),
        `${level}/${index} of ${size}`,
      ).toBe(true)
    }
  }
})

test('what the log does not have is refused', async () => {
  const gone = expect.objectContaining({ code: 'out_of_range' }) as Error
  await expect(inclusionProof(log.gateway, 700, 700)).rejects.toThrow(gone)
  await expect(inclusionProof(log.gateway, 700, 800)).rejects.toThrow(gone)
  await expect(consistencyProof(log.gateway, 300, 2000)).rejects.toThrow(gone)
  await expect(readTile(log.gateway, 0, 2, 188, 701)).rejects.toThrow(gone)
  await expect(readTile(log.gateway, 0, 9, 1, 700)).rejects.toThrow(gone)
})
