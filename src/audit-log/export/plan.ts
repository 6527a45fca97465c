import type { Knex } from 'knex'
import { SealpostError } from '../../kernel/index.ts'
import { type Checkpoint, checkpointAt, latestCheckpoint } from '../checkpoint.ts'
import { WholeFiles } from './directory.ts'
import type { EventFilter } from './store.ts'

export interface ExportWish extends EventFilter {
  /** The leaves from `first` up to but not including `next`. Default: all of the checkpoint. */
  readonly first?: number
  readonly next?: number
  /** The checkpoint that it is as of. Default: the newest. */
  readonly size?: number
}

export interface ExportPlan {
  readonly checkpoint: Checkpoint
  readonly first: number
  readonly next: number
  readonly filter: EventFilter
  /** Whether it goes on with what an interrupted export left. */
  readonly resumed: boolean
}

const format = 'sealpost-audit-export/1'

/**
 * What is exported: as asked or, in a directory where just this was begun, as of the checkpoint that it was begun with. The
 * manifest is for this question and for people; no verdict rests on it. Throws `export_refused`.
 */
export async function planExport(knex: Knex, files: WholeFiles, wish: ExportWish): Promise<ExportPlan> {
  const begun = await files.read('manifest.json')
  if (begun === undefined && (await files.names()).some(name => name !== 'manifest.json.part'))
    throw refused('the directory holds something else')
  if (await files.has('checkpoint')) throw refused('the directory holds a whole export')

  const size = begun === undefined ? wish.size : sizeOf(begun)
  const checkpoint = size === undefined ? await latestCheckpoint(knex) : await checkpointAt(knex, size)
  if (checkpoint === undefined) throw refused('the log has no such checkpoint yet')
  const { first = 0, next = checkpoint.size, from, until, type, subject } = wish
  const filter: EventFilter = {
    ...(from && { from }),
    ...(until && { until }),
    ...(type !== undefined && { type }),
    ...(subject !== undefined && { subject }),
  }
  if (next > checkpoint.size) throw refused('the checkpoint does not cover these leaves')
  const manifest = manifestOf({ checkpoint, first, next, filter })
  if (begun !== undefined && begun !== manifest) throw refused('another export was begun there')
  if (begun === undefined) await files.write('manifest.json', [manifest])
  return { checkpoint, first, next, filter, resumed: begun !== undefined }
}

/** Whether the directory holds a whole export of just these leaves, of all their events. */
export async function exportStands(
  to: string,
  { first, next, size }: { readonly first: number; readonly next: number; readonly size: number },
): Promise<boolean> {
  const files = await WholeFiles.at(to)
  const manifest = manifestOf({ checkpoint: { size }, first, next, filter: {} })
  return (await files.has('checkpoint')) && (await files.read('manifest.json')) === manifest
}

function manifestOf({
  checkpoint,
  first,
  next,
  filter,
}: Pick<ExportPlan, 'first' | 'next' | 'filter'> & {
  readonly checkpoint: Pick<Checkpoint, 'size'>
}): string {
  return `${JSON.stringify({ format, size: checkpoint.size, first, next, filter }, null, 2)}\n`
}

function sizeOf(manifest: string): number {
  const [, digits] = /^ {2}"size": ([0-9]{1,16}),$/m.exec(manifest) ?? []
  if (digits === undefined) throw refused('another export was begun there')
  return Number(digits)
}

function refused(detail: string): SealpostError {
  return new SealpostError('export_refused', { detail })
}
