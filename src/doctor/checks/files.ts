import { stat } from 'node:fs/promises'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

/** Who may read the files that hold secrets: by the settings that name them. */
export function fileChecks(files: Readonly<Record<string, string>>): readonly Check[] {
  return [
    {
      name: 'secret-files',
      async run() {
        const seen = await Promise.all(
          Object.entries(files).map(async ([setting, path]) => ({ setting, mode: (await stat(path)).mode })),
        )
        return judgeModes(seen)
      },
    },
  ]
}

export function judgeModes(files: readonly { readonly setting: string; readonly mode: number }[]): Verdict {
  const open = (bits: number) => files.filter(({ mode }) => (mode & bits) !== 0).map(({ setting }) => setting)
  const world = open(0o007)
  const group = open(0o070)
  const remedy = 'chmod 0400 these files, and make the user of the gateway their owner.'
  if (world.length > 0) return fail(`everybody on this host can reach: ${world.join(', ')}`, remedy)
  if (group.length > 0) return warn(`a group can reach: ${group.join(', ')}`, remedy)
  return ok(`${files.length} files with secrets, each for its owner alone`)
}
