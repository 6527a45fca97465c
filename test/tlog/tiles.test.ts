import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Edge,
  type FullTile,
  growEdge,
  keepTiles,
  leafHash,
  proveConsistency,
  proveInclusion,
  type ReadTile,
  readHashesFromTiles,
  rootOfEdge,
  rootOfTree,
  type Tile,
  tilePath,
  tilesOf,
} from '../../src/tlog/index.ts'
import { naivePath, naiveProof, naiveRoot, naiveTile } from './naive.ts'

test.each([
  [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
  [{ level: 0, index: 273, width: 112 }, 'tile/0/273.p/112'],
  [{ level: 1, index: 0, width: 256 }, 'tile/1/000'],
  [{ level: 2, index: 1000, width: 1 }, 'tile/2/x001/000.p/1'],
  [{ level: 63, index: 999, width: 255 }, 'tile/63/999.p/255'],
])('%j lies at %s', (tile, path) => {
  expect(tilePath(tile)).toBe(path)
})

test.each([
  { level: 64, index: 0, width: 1 },
  { level: 0, index: -1, width: 1 },
  { level: 0, index: 0, width: 0 },
  { level: 0, index: 0, width: 257 },
  { level: 0, index: 0.5, width: 1 },
])('%j is no tile', tile => {
  expect(() => tilePath(tile)).toThrow(expect.objectContaining({ code: 'out_of_range' }))
})

test('a tree of 70,000 leaves has the tiles that the specification counts', () => {
  const tiles = [...tilesOf(70_000)]
  expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273)
  expect(tiles.slice(273).map(tilePath)).toEqual([
    'tile/0/273.p/112',
    'tile/1/000',
    'tile/1/001.p/17',
    'tile/2/000.p/1',
  ])
  expect([...tilesOf(256)].map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1'])
  expect([...tilesOf(0)]).toEqual([])
})

test('the tiles that a grown tree adds are those that the older had not', () => {
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      const had = new Set([...tilesOf(from)].map(tilePath))
      const added = [...tilesOf(to)].map(tilePath).filter(path => !had.has(path))
      expect([...tilesOf(to, from)].map(tilePath)).toEqual(added)
    }),
    { numRuns: 50 },
  )
})

const all = Array.from({ length: 1_400 }, (_, at) => leafHash(String(at)))
// Around the widths of tiles, where mistakes are made.
const size = fc.oneof(
  fc.integer({ min: 1, max: all.length }),
  fc.constantFrom(1, 2, 255, 256, 257, 511, 512, 513, 767, 768, 1279, 1280, 1281),
)

test('roots and proofs from tiles are those of a word-by-word implementation', async () => {
  await fc.assert(
    fc.asyncProperty(size, fc.nat(), fc.nat(), async (count, anyLeaf, anyFrom) => {
      const of = all.slice(0, count)
      const read = readHashesFromTiles(
        count,
        keepTiles(({ level, index }) => Promise.resolve(naiveTile(level, index, of))),
      )
      const [leaf, from] = [anyLeaf % count, (anyFrom % count) + 1]
      expect(await rootOfTree(count, read)).toEqual(naiveRoot(of))
      expect(await proveInclusion(leaf, count, read)).toEqual(naivePath(leaf, of))
      expect(await proveConsistency(from, count, read)).toEqual(naiveProof(from, of))
    }),
    { numRuns: 30 },
  )
})

test('only tiles that the tree has are asked for, each once', async () => {
  const asked: Tile[] = []
  const readTile: ReadTile = tile => {
    asked.push(tile)
    return Promise.resolve(naiveTile(tile.level, tile.index, all))
  }
  const read = readHashesFromTiles(all.length, keepTiles(readTile))
  await Promise.all([proveInclusion(700, all.length, read), proveConsistency(701, all.length, read)])
  const paths = asked.map(tilePath)
  expect(new Set(paths).size).toBe(paths.length)
  expect([...tilesOf(all.length)].map(tilePath)).toEqual(expect.arrayContaining(paths))
  await expect(read(0, all.length)).rejects.toMatchObject({ code: 'out_of_range' })
  await expect(read(3, Math.floor(all.length / 8))).rejects.toMatchObject({ code: 'out_of_range' })
})

test('a tile of another length is refused', async () => {
  const read = readHashesFromTiles(300, () => Promise.resolve(Buffer.alloc(31)))
  await expect(read(0, 299)).rejects.toMatchObject({ code: 'tile_malformed' })
})

test('an edge that grows in any steps gives each root on the way, and every full tile once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 6 }), steps => {
      let edge: Edge = []
      let count = 0
      const full: FullTile[] = []
      for (const step of steps) {
        const next = Math.min(all.length, count + step)
        const grown = growEdge(edge, count, all.slice(count, next))
        edge = grown.edge
        count = next
        full.push(...grown.full)
        expect(rootOfEdge(edge)).toEqual(naiveRoot(all.slice(0, count)))
      }
      const expected = [...tilesOf(count)].filter(({ width }) => width === 256).map(tilePath)
      expect(full.map(tile => tilePath({ ...tile, width: 256 })).toSorted()).toEqual(expected.toSorted())
      for (const { level, index, hashes, root } of full) {
        expect(hashes).toEqual(naiveTile(level, index, all.slice(0, count)))
        expect(root).toEqual(
          naiveRoot(all.slice(index * 256 ** (level + 1), (index + 1) * 256 ** (level + 1))),
        )
      }
    }),
    { numRuns: 30 },
  )
})

test('an edge carries over to the third level', () => {
  const hashes = Array.from({ length: 65_536 + 3 }, (_, at) => leafHash(String(at)))
  const first = growEdge([], 0, hashes.slice(0, 65_000))
  const { edge, full } = growEdge(first.edge, 65_000, hashes.slice(65_000))
  expect(edge.map(level => level.length)).toEqual([3, 0, 1])
  expect(full.at(-1)).toMatchObject({ level: 1, index: 0 })
  expect(rootOfEdge(edge)).toEqual(naiveRoot(hashes))
})
