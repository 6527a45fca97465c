import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { leafHash } from '../../tlog/index.ts'
import type { Find } from '../report.ts'
import { isCanonicalObject } from './canonical.ts'
import { linesOf, namesIn } from './files.ts'

/** Leaves that a file of events is about: a file is named by the first, in twelve digits. */
const leavesInFile = 65_536

export interface EventLine {
  readonly leaf: number
  /** Recomputed from the line. */
  readonly hash: Buffer
  readonly where: string
}

/** The events of a directory, by growing leaf. A line that is out of form or out of place is told, and is not among them. */
export function* eventLines(directory: string, size: number, find: Find): Generator<EventLine> {
  let before = -1
  let held: EventLine | undefined
  for (const line of placedLines(directory, size, find)) {
    // A line that says too large a leaf would make all that follow seem out of place: where the next one goes on, it is that line.
    if (held !== undefined && line.leaf <= held.leaf && line.leaf > before) {
      find('line_misplaced', held.where, held.leaf)
    } else if (line.leaf <= (held?.leaf ?? before)) {
      find('line_misplaced', line.where, line.leaf)
      continue
    } else if (held !== undefined) {
      before = held.leaf
      yield held
    }
    held = line
  }
  if (held !== undefined) yield held
}

/** Those lines that are in the file for their leaf, in the order of the files. */
function* placedLines(directory: string, size: number, find: Find): Generator<EventLine> {
  for (const name of namesIn(join(directory, 'events'))) {
    const path = join(directory, 'events', name)
    const first = /^[0-9]{12}\.jsonl$/.test(name) ? Number(name.slice(0, 12)) : -1
    if (first % leavesInFile !== 0) {
      find('line_misplaced', path)
      continue
    }
    let number = 0
    for (const { line, whole } of linesOf(path)) {
      number += 1
      const where = `${path}:${number}`
      const [prefix = '', digits] = /^\{"leaf":(0|[1-9][0-9]{0,15}),"event":/.exec(head(line)) ?? []
      const leaf = Number(digits)
      if (!whole || digits === undefined || line.at(-1) !== 0x7d) {
        find('line_malformed', where)
      } else if (leaf < first || leaf >= Math.min(first + leavesInFile, size)) {
        find('line_misplaced', where, leaf)
      } else {
        const event = line.subarray(prefix.length, -1)
        if (!isUtf8(event) || !isCanonicalObject(event.toString())) find('event_not_canonical', where, leaf)
        yield { leaf, hash: leafHash(event), where }
      }
    }
  }
}

function head(line: Buffer): string {
  return line.toString('latin1', 0, 40)
}
