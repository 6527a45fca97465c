import type { ReviewEvent } from '../events/review.ts'
import { type EntriesOf, success } from './entry.ts'

export const reviewEntries = {
  'audit.read': success(
    'Somebody searched the log and was given a page of events.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'audit.event.read': success(
    'Somebody was given one event with its proof.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'audit.checkpoint.read': success('Somebody was given the newest checkpoint.', ['API Activity', 'Read']),
  'audit.search.exported': success(
    'All events that a search finds began to leave as a file.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'deliveries.read': success(
    'Somebody searched the deliveries and was given a page of them.',
    ['API Activity', 'Read'],
    '10.2.1.1',
  ),
  'delivery.read': success(
    'Somebody was given one delivery with its attempts.',
    ['API Activity', 'Read'],
    '10.2.1.1',
  ),
  'deliveries.search.exported': success(
    'All deliveries that a search finds began to leave as a file.',
    ['API Activity', 'Read'],
    '10.2.1.1',
  ),
  'search.export.ended': success(
    'The file of a search ended; or it broke off, because the client went away or the replica stopped.',
    ['API Activity', 'Read'],
    '10.2.1.3',
  ),
} satisfies EntriesOf<ReviewEvent>
