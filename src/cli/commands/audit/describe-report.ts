import type { Caution, Finding, FindingCode, Report } from '../../../verifier/index.ts'
import { inert } from '../../output.ts'

const meanings: { readonly [Code in FindingCode]: string } = {
  checkpoint_missing: 'there is no checkpoint: the export did not end, or it was removed',
  checkpoint_malformed: 'this is no checkpoint, or not the one that its name says',
  checkpoint_wrong: 'the log was another when it signed this checkpoint',
  signature_missing: "the log's key did not sign this",
  signature_wrong: "the signature is not the log's",
  other_log: 'this is of another log',
  root_wrong: 'the events are not those that the checkpoint was signed for',
  tile_missing: 'a tile is missing',
  tile_malformed: 'a tile is not as long as it must be',
  tile_wrong: 'a hash in a tile is not that of what is below it',
  event_missing: 'events are missing',
  event_altered: 'the event is not the one that was logged',
  event_not_canonical: 'the event is not canonical JSON',
  line_malformed: 'the line is not of the format',
  line_misplaced:
    'the line is not in its place: out of order, twice, in another file, or after the end of the log',
  truncated:
    'the log was longer when this checkpoint left it: its end was cut off, or it was put back to an older state',
  forked: 'the log was another when this checkpoint left it: it was made anew',
  cosignature_missing: 'this witness cosigned none of the checkpoints',
}

const cautions: { readonly [Name in Caution]: string } = {
  key_not_pinned: 'The key came out of the directory itself; give the one that you were given (--key).',
  not_anchored:
    'No checkpoint from outside was compared (--anchor, --witness): who has the log’s key could have made all of this anew.',
  anchored_in_part:
    'Leaves after the last checkpoint from outside rest on the log’s key alone; compare a later one (--anchor, --witness).',
  anchor_unreadable:
    'An anchor holds something that is no checkpoint, such as a piece of one. It was not compared.',
  events_in_part: 'Not all events are here. Those that are were verified.',
}

/** A report for people, line by line. What comes from the directory is made inert. */
export function describeReport(report: Report): string {
  const { ok, log, events, checkpoints, anchored, witnessed, found, findings } = report
  const lines = findings.map(describe)
  if (found > findings.length) lines.push(`and ${found - findings.length} more`)
  for (const caution of report.cautions) lines.push(`CAUTION ${caution}: ${cautions[caution]}`)
  if (log !== undefined)
    lines.push(`log ${inert(log.origin)}: ${log.size} leaves, root ${log.root}`, `events verified: ${events}`)
  lines.push(`older checkpoints on the way: ${checkpoints}; known outside: the first ${anchored} leaves`)
  for (const { witness, size, time } of witnessed)
    lines.push(`cosigned by ${inert(witness)}: ${size} leaves, at ${time} seconds since 1970`)
  lines.push(ok ? 'OK: nothing is wrong' : `WRONG: ${found} finding${found === 1 ? '' : 's'}`)
  return lines.join('\n')
}

function describe({ code, where, first, next }: Finding): string {
  const leaves =
    first === undefined || next === undefined
      ? ''
      : next === first + 1
        ? `, leaf ${first}`
        : `, leaves ${first} to ${next - 1}`
  return `${code} at ${inert(where)}${leaves}: ${meanings[code]}`
}
