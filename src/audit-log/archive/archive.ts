import type { Knex } from 'knex'
import { appendEvents } from '../../audit/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { type NoteVerifier, parseVerifier, tileWidth } from '../../tlog/index.ts'
import { type Note, verifyExport } from '../../verifier/index.ts'
import { latestCheckpoint } from '../checkpoint.ts'
import { type ExportDependencies, exportLog, exportStands, verifierLines } from '../export/index.ts'
import { streamedUntil } from '../stream/index.ts'
import { digestOfEvents } from './digest.ts'
import { monthsBefore } from './months.ts'
import {
  deleteEvents,
  firstLeafSince,
  insertArchive,
  isAtHand,
  largestAnchored,
  listArchives,
} from './store.ts'

/** PCI DSS 10.5.1: the last three months are at hand at once. */
const monthsAtHand = 3
/** Rows that leave in one transaction. */
const leavesAtOnce = 8_192

export interface ArchiveWish {
  /** Events before this moment go. */
  readonly before: Date
  readonly to: string
  /** The log's keys, as they were kept elsewhere. Default: the database's. */
  readonly keys?: readonly NoteVerifier[]
  /** Checkpoints that were kept elsewhere. */
  readonly known?: Iterable<Note>
}

export interface Archived {
  readonly first: number
  readonly next: number
  readonly size: number
  readonly sha256: string
  /** Rows that left the database, with those that an earlier archive left behind. */
  readonly removed: number
}

/**
 * Events of past months leave the database for a directory: exported, verified, recorded, and only then removed. Their leaves and tiles
 * stay, so every proof goes on. Whole tiles only: up to 255 of the newest wait for the next archive. The same call goes on with
 * what a crash left. Undefined when there is nothing to archive. Throws `archive_refused`, `export_refused`.
 */
export async function archiveEvents(
  dependencies: ExportDependencies,
  wish: ArchiveWish,
): Promise<Archived | undefined> {
  const { knex, clock, actor } = dependencies
  if (wish.before > monthsBefore(clock.now(), monthsAtHand))
    throw refused('they are younger than three months')
  const left = await removeArchived(knex)
  const range = await rangeBefore(knex, wish)
  if (range === undefined) return undefined

  if (!(await exportStands(wish.to, range))) await exportLog(dependencies, wish.to, range)
  await assertVerified(knex, wish, range)
  const { first, next, size } = range
  const sha256 = await digestOfEvents(wish.to)
  await knex.transaction(async trx => {
    const event = { type: 'audit.archived', first, next, sha256, size } as const
    await appendEvents(trx, clock, [{ actor, event }])
    await insertArchive(trx, { first, next, sha256, at: clock.now() })
  })
  // A crash here leaves rows that the archive has; the next `audit archive` removes them.
  return { first, next, size, sha256, removed: left + (await removeArchived(knex)) }
}

interface Range {
  readonly first: number
  readonly next: number
  /** Of the checkpoint that it goes under. */
  readonly size: number
}

/**
 * What comes after the last archive and is all older, under a checkpoint that an anchor has, if there are anchors; and in the SIEM,
 * if there is one.
 */
async function rangeBefore(knex: Knex, { before }: ArchiveWish): Promise<Range | undefined> {
  const newest = await latestCheckpoint(knex)
  if (newest === undefined) return undefined
  const first = (await listArchives(knex)).at(-1)?.next ?? 0
  const end = Math.min((await firstLeafSince(knex, first, before)) ?? newest.size, newest.size)
  const next = end - (end % tileWidth)
  if (next <= first) return undefined
  const streamed = await streamedUntil(knex)
  if (streamed !== undefined && streamed < next) throw refused('the SIEM has not got all of them yet')
  const anchored = await largestAnchored(knex)
  const size = anchored ?? newest.size
  if (size < next) throw refused('no anchor has a checkpoint that covers them')
  return { first, next, size }
}

async function assertVerified(knex: Knex, wish: ArchiveWish, { first, next, size }: Range): Promise<void> {
  const keys = wish.keys ?? (await verifierLines(knex)).map(parseVerifier)
  const report = verifyExport([wish.to], { keys, anchors: wish.known ?? [], needed: { first, next } })
  const [finding] = report.findings
  if (!report.ok)
    throw refused(`the verifier found ${String(finding?.code)} in the archive; see \`audit verify\``)
  if (report.log?.size !== size) throw refused('the directory is of another checkpoint')
}

/**
 * Removes, in small steps, the rows that archives have, but for those of types that last. They go in the order of their leaves:
 * where the last step is done, all are.
 */
async function removeArchived(knex: Knex): Promise<number> {
  let removed = 0
  for (const { first, next } of await listArchives(knex)) {
    const lastStep = first + Math.floor((next - first - 1) / leavesAtOnce) * leavesAtOnce
    if (!(await isAtHand(knex, lastStep, next))) continue
    for (let leaf = first; leaf < next; leaf += leavesAtOnce)
      removed += await deleteEvents(knex, leaf, Math.min(leaf + leavesAtOnce, next))
  }
  return removed
}

function refused(detail: string): SealpostError {
  return new SealpostError('archive_refused', { detail })
}
