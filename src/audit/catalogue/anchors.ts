import type { AnchorEvent } from '../events/anchors.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const anchorEntries = {
  'anchor.failed': failure('An anchor did not take the newest checkpoint; it is tried again.', [
    'Event Log Activity',
    'Export',
  ]),
  'anchor.recovered': success('An anchor takes checkpoints again.', ['Event Log Activity', 'Export']),
  'anchor.ahead': failure(
    'An anchor has a signed checkpoint that the log does not contain: the database was rolled back, or forked.',
    ['Detection Finding', 'Create'],
  ),
  'anchor.retired': success('An anchor that was not well is no longer among the settings.', null, '10.2.1.7'),
} satisfies EntriesOf<AnchorEvent>
