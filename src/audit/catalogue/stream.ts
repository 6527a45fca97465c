import type { StreamEvent } from '../events/stream.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const streamEntries = {
  'stream.started': success(
    'Events go to this SIEM from now on.',
    ['Event Log Activity', 'Start'],
    '10.2.1.6',
  ),
  'stream.stopped': success(
    'Events do not go to a SIEM any more.',
    ['Event Log Activity', 'Stop'],
    '10.2.1.6',
  ),
  'stream.failed': failure('The SIEM does not take events; they are sent again until it does.', [
    'Event Log Activity',
    'Export',
  ]),
  'stream.recovered': success('The SIEM takes events again, from where it stopped.', [
    'Event Log Activity',
    'Export',
  ]),
} satisfies EntriesOf<StreamEvent>
