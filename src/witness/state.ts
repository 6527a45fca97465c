import { mkdir, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type NoteVerifier, openNote, parseCheckpoint, type TreeHead } from '../tlog/index.ts'
import { createOnce, type Step, sweep, syncDirectory } from './files.ts'

/** The newest checkpoint of a log that this witness cosigned. */
export interface Cosigned {
  /** How many it has cosigned of this log, this one counted. */
  readonly turn: number
  readonly head: TreeHead
  /** With the log's signatures and our cosignature. */
  readonly note: string
}

export interface LogState {
  /** Undefined before the first. Rejects when what is there is not what we wrote: then nothing can be cosigned. */
  latest(): Promise<Cosigned | undefined>
  /**
   * Puts the next one after `turn`; it is on disk when this resolves. False when another process was faster: of all that ever put
   * the same turn, one succeeds, so that what was cosigned is one line and no tree.
   */
  advance(turn: number, note: string): Promise<boolean>
}

/**
 * What is known of a log, in a directory of its own: a file for the newest checkpoint, named by its turn.
 *
 * @param own the witness's key, which every file must be signed by
 */
export async function openLogState(
  directory: string,
  own: NoteVerifier,
  reached?: (step: Step) => void,
): Promise<LogState> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await syncDirectory(join(directory, '..'))
  await sweep(directory)
  return {
    async latest() {
      const turn = await largestTurn(directory)
      if (turn === 0) return undefined
      const note = await readFile(join(directory, nameOf(turn)), 'utf8')
      return { turn, note, head: parseCheckpoint(openNote(note, [own]).text) }
    },
    async advance(turn, note) {
      const next = turn + 1
      if (!(await createOnce(directory, nameOf(next), Buffer.from(note), 0o600, reached))) return false
      // One who was paused for long finds its turn free again, for older files are removed. It sees the later ones.
      if ((await largestTurn(directory)) !== next) {
        await unlinkOld(directory, next)
        return false
      }
      // A crash here leaves older files; the largest counts.
      for (const old of await turns(directory)) if (old < next) await unlinkOld(directory, old)
      return true
    },
  }
}

async function largestTurn(directory: string): Promise<number> {
  return Math.max(0, ...(await turns(directory)))
}

async function turns(directory: string): Promise<readonly number[]> {
  return (await readdir(directory)).filter(name => /^[0-9]{15}$/.test(name)).map(Number)
}

/** Another process may remove it too. */
async function unlinkOld(directory: string, turn: number): Promise<void> {
  await unlink(join(directory, nameOf(turn))).catch(() => undefined)
}

function nameOf(turn: number): string {
  return String(turn).padStart(15, '0')
}
