import type { LogEvent } from '../events/log.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const logEntries = {
  'log.key.generated': success(
    'The key that signs checkpoints was made; the log begins.',
    ['Event Log Activity', 'Enable'],
    '10.2.1.6',
    '10.2.1.7',
  ),
  'log.started': success(
    'A replica began to take events into the log and to sign checkpoints.',
    ['Event Log Activity', 'Start'],
    '10.2.1.6',
  ),
  'log.stopped': success(
    'A replica does not take events into the log any more; they wait in the database.',
    ['Event Log Activity', 'Stop'],
    '10.2.1.6',
  ),
  'alarm.raised': failure('Something on a replica needs somebody to look.', ['Detection Finding', 'Create']),
  'alarm.cleared': success('What an alarm was about is over.', ['Detection Finding', 'Close']),
  'clock.wrong': failure('The clock of a replica was compared, and is wrong.', [
    'Compliance Finding',
    'Create',
  ]),
  'review.reported': success(
    'The report of a day was made from the log and mailed to the auditors.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'evidence.issued': success(
    'Somebody was given the file that proves what became of a message.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'audit.exported': success(
    'Events left the gateway, as a directory for the verifier or as the file of a search.',
    ['Event Log Activity', 'Export'],
    '10.2.1.3',
  ),
  'audit.archived': success(
    'Events of past months went into an archive that was verified, and leave the database.',
    ['Event Log Activity', 'Archive'],
    '10.2.1.3',
    '10.2.1.7',
  ),
} satisfies EntriesOf<LogEvent>
