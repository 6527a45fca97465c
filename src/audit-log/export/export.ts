import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { type Tile, TlogError, tilePath, tilesOf, tileWidth } from '../../tlog/index.ts'
import { readTile } from '../proofs.ts'
import { WholeFiles } from './directory.ts'
import { type ExportPlan, type ExportWish, planExport } from './plan.ts'
import {
  bodiesOfLeaves,
  cosignaturesOf,
  countEvents,
  fullTiles,
  olderCheckpoints,
  verifierLines,
} from './store.ts'

export interface ExportDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly actor: Actor
  /** Is told how many of how many leaves are written. */
  readonly onProgress?: (leaves: number, of: number) => void
}

export interface Exported {
  /** Of the checkpoint that it is as of. */
  readonly size: number
  readonly first: number
  readonly next: number
  readonly events: number
  readonly resumed: boolean
}

/** Leaves of one file of events: 256 full tiles. */
const leavesInFile = tileWidth ** 2
/** Rows in memory at a time. */
const rowsAtOnce = 2_048

/**
 * Writes the log as of one checkpoint into a directory that `verifyExport` takes (docs/audit-log.md, "The directory"), and records that it
 * did, before the first event leaves. What the database holds is written as it stands: nothing is verified, nothing mended. The checkpoint is
 * written last: a directory without one is no export, and the same call goes on with it. Throws `export_refused`.
 */
export async function exportLog(
  { knex, clock, actor, onProgress }: ExportDependencies,
  to: string,
  wish: ExportWish,
): Promise<Exported> {
  const files = await WholeFiles.at(to)
  const plan = await planExport(knex, files, wish)
  const exported = await recordExport(knex, clock, actor, plan)
  await files.write(
    'verifier',
    (await verifierLines(knex)).map(line => `${line}\n`),
  )
  for (let leaf = 0; leaf < plan.checkpoint.size; leaf += leavesInFile) {
    await writeBlock(knex, files, plan, leaf)
    onProgress?.(Math.min(leaf + leavesInFile, plan.checkpoint.size), plan.checkpoint.size)
  }
  await writeUpperTiles(knex, files, plan)
  for (const { size, note, cosignatures } of await olderCheckpoints(knex, plan.checkpoint.size))
    await files.write(`checkpoints/${size}`, [note, ...cosignatures])
  await files.settle()
  // A crash here leaves all but the checkpoint; the next run writes what is small anew, and then it.
  const { note, size } = plan.checkpoint
  await files.write('checkpoint', [note, ...(await cosignaturesOf(knex, size))])
  await files.settle()
  return exported
}

async function recordExport(
  knex: Knex,
  clock: Clock,
  actor: Actor,
  { checkpoint: { size }, first, next, filter, resumed }: ExportPlan,
): Promise<Exported> {
  return knex.transaction(async trx => {
    const events = await countEvents(trx, first, next, filter)
    const filtered = Object.keys(filter).length > 0
    await appendEvents(trx, clock, [
      { actor, event: { type: 'audit.exported', as: 'directory', size, first, next, filtered, events } },
    ])
    return { size, first, next, events, resumed }
  })
}

/** Tiles of level 0 and the events of one file. The file is written last and tells the next run that both are there. */
async function writeBlock(knex: Knex, files: WholeFiles, plan: ExportPlan, leaf: number): Promise<void> {
  const { size } = plan.checkpoint
  const end = Math.min(leaf + leavesInFile, size)
  const wanted = plan.first < end && plan.next > leaf
  const name = `events/${String(leaf).padStart(12, '0')}.jsonl`
  if (wanted && (await files.has(name))) return
  for (const { index, hashes } of await fullTiles(knex, 0, leaf / tileWidth, Math.floor(end / tileWidth)))
    await files.write(tilePath({ level: 0, index, width: tileWidth }), [hashes])
  if (end % tileWidth > 0)
    await writeTile(knex, files, size, {
      level: 0,
      index: Math.floor(end / tileWidth),
      width: end % tileWidth,
    })
  await files.settle()
  if (wanted) await files.write(name, linesOf(knex, plan, leaf, end))
}

async function* linesOf(knex: Knex, plan: ExportPlan, leaf: number, end: number): AsyncGenerator<string> {
  const next = Math.min(plan.next, end)
  for (let first = Math.max(plan.first, leaf); first < next; first += rowsAtOnce) {
    const rows = await bodiesOfLeaves(knex, first, Math.min(first + rowsAtOnce, next), plan.filter)
    yield rows.map(({ leaf, body }) => `{"leaf":${leaf},"event":${body}}\n`).join('')
  }
}

async function writeUpperTiles(
  knex: Knex,
  files: WholeFiles,
  { checkpoint: { size } }: ExportPlan,
): Promise<void> {
  for (const tile of tilesOf(size)) if (tile.level > 0) await writeTile(knex, files, size, tile)
}

/** What the database cannot say is left out, and the verifier will miss it. */
async function writeTile(knex: Knex, files: WholeFiles, size: number, tile: Tile): Promise<void> {
  try {
    await files.write(tilePath(tile), [await readTile(knex, tile.level, tile.index, tile.width, size)])
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
  }
}
