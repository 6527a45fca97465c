import type { Knex } from 'knex'
import { build } from './build.ts'
import { addPacked, blockSize, keepPlaces, listPlaces, noPlaces, type Places } from './places.ts'
import { blocksOfTime, type Extent, extentOf, type Posting, postingsOf } from './store.ts'

export interface Wanted {
  /** Subjects as `subjectsOf` names them: all of them. None: every leaf. */
  readonly required: readonly string[]
  /** None of these. */
  readonly excluded?: readonly string[]
  /** Blocks without an event of that time are passed over; the others are given whole. */
  readonly from?: Date | undefined
  readonly until?: Date | undefined
}

export interface Found {
  /** The last first. */
  readonly leaves: readonly number[]
  /** Nothing at or above it is left to be found. */
  readonly searchedTo: number
}

/** So many leaves right of the index are read for a search; more are there only while the index is being made. */
const mostUnindexed = 16 * blockSize
/** How many blocks are looked at in one query, at first and at most. */
const [fewBlocks, mostBlocks] = [128, 1024]

/**
 * The leaves below `before` that are about all that is wanted, the last first, piece by piece. Each piece takes bounded work:
 * a line of the index for each subject and each of at most 1024 blocks of 512 leaves, whatever the filters have in common.
 * What the index does not have yet is read from the events. While it is more than 8192 leaves behind, how the deliveries of a
 * message ended is known of those alone that are in the index.
 */
export async function* findLeaves(
  knex: Knex,
  wanted: Wanted,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Found> {
  const extent = await extentOf(knex)
  const { size, indexed, archived } = extent
  const top = Math.min(before, size)
  const late: Late = new Map()
  if (top > indexed || wanted.required.some(isLate)) yield* findUnindexed(knex, wanted, top, extent, late)

  const times = wanted.from !== undefined || wanted.until !== undefined
  const span = times ? await blocksOfTime(knex, wanted.from, wanted.until) : undefined
  if (times && span === undefined) return
  const highest = Math.min(
    Math.ceil(Math.min(top, indexed) / blockSize),
    (span?.last ?? Number.MAX_SAFE_INTEGER) + 1,
  )
  const lowest = Math.max(Math.floor(archived / blockSize), span?.first ?? 0)
  let width = fewBlocks
  for (let next = highest; next > lowest; width = Math.min(width * 2, mostBlocks)) {
    const first = Math.max(next - width, lowest)
    if (wanted.required.length === 0) yield* everyLeaf(first, next, top)
    else yield await findInBlocks(knex, wanted, first, next, top, late)
    next = first
  }
}

/** Postings of what is not in the index yet, by subject and block. */
type Late = Map<string, Map<number, Places>>

/** Whether it may be posted at a leaf before the one that it is learnt from. */
function isLate(subject: string): boolean {
  return subject.startsWith('deliveries:')
}

async function* findUnindexed(
  knex: Knex,
  wanted: Wanted,
  top: number,
  { size, indexed, archived }: Extent,
  late: Late,
): AsyncGenerator<Found> {
  const lowest = Math.max(indexed, Math.floor(archived / blockSize) * blockSize)
  const all = size - lowest <= mostUnindexed
  const only = new Set([...wanted.required, ...(wanted.excluded ?? [])])
  let next = all ? size : top
  while (next > lowest) {
    const first = all ? lowest : Math.max(lowest, (Math.ceil(next / blockSize) - 8) * blockSize)
    if (wanted.required.length === 0) yield* everyLeaf(first / blockSize, Math.ceil(next / blockSize), top)
    else {
      take(late, (await build(knex, first, next, { only })).postings)
      const leaves: number[] = []
      for (let block = Math.ceil(next / blockSize) - 1; block >= first / blockSize; block--) {
        leaves.push(...leavesIn(block, top, wanted, subject => late.get(subject)?.get(block)))
      }
      yield { leaves, searchedTo: Math.min(first, top) }
    }
    next = first
  }
}

function take(late: Late, postings: readonly Posting[]): void {
  for (const { subject, block, leaves } of postings) {
    const blocks = late.get(subject) ?? new Map<number, Places>()
    const places = blocks.get(block) ?? noPlaces()
    addPacked(places, leaves)
    late.set(subject, blocks.set(block, places))
  }
}

async function findInBlocks(
  knex: Knex,
  wanted: Wanted,
  first: number,
  next: number,
  top: number,
  late: Late,
): Promise<Found> {
  const { required, excluded = [] } = wanted
  // What may be known of these blocks without being in the index cannot be asked of the index.
  const open = required.filter(subject => isLate(subject) && late.has(subject))
  const sure = required.filter(subject => !open.includes(subject))
  const rows = await postingsOf(knex, [...required, ...excluded], sure, first, next)
  const asked = [...required, ...excluded]
  const leaves = rows.flatMap(({ block, postings }) => {
    const places = new Map<string, Places>()
    for (const posting of postings.split(' ')) {
      const [which = '', packed = ''] = posting.split(':')
      const subject = asked[Number(which) - 1] ?? ''
      const own = places.get(subject) ?? noPlaces()
      addPacked(own, Buffer.from(packed, 'hex'))
      places.set(subject, own)
    }
    return leavesIn(block, top, wanted, subject => {
      const [own, more] = [places.get(subject), late.get(subject)?.get(block)]
      return own !== undefined && more !== undefined
        ? own.map((bits, i) => bits | (more[i] ?? 0))
        : (own ?? more)
    })
  })
  return { leaves, searchedTo: first * blockSize }
}

function leavesIn(
  block: number,
  top: number,
  { required, excluded = [] }: Wanted,
  placesOf: (subject: string) => Places | undefined,
): number[] {
  const both = noPlaces().fill(0xffff_ffff)
  for (const subject of required) {
    const places = placesOf(subject)
    if (places === undefined) return []
    keepPlaces(both, places)
  }
  for (const subject of excluded) {
    const places = placesOf(subject)
    if (places !== undefined) keepPlaces(both, places, true)
  }
  return listPlaces(both, top - block * blockSize).map(place => block * blockSize + place)
}

function* everyLeaf(first: number, next: number, top: number): Generator<Found> {
  for (let block = next - 1; block >= first; block--) {
    const last = Math.min((block + 1) * blockSize, top)
    const leaves: number[] = []
    for (let leaf = last - 1; leaf >= block * blockSize; leaf--) leaves.push(leaf)
    yield { leaves, searchedTo: block * blockSize }
  }
}
