import type { MessageEvent } from '../events/messages.ts'
import type { NoticeEvent } from '../events/notices.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const messageEntries = {
  'message.accepted': success(
    'A message was encrypted for each of its recipients, and is kept until it is delivered.',
    ['Email Activity', 'Receive'],
    '10.2.1.1',
  ),
  'message.checked': success(
    'An application asked what would happen to a message, and was told; nothing was kept or sent.',
    ['API Activity', 'Read'],
  ),
  'delivery.delivered': success(
    "An attempt succeeded: the recipient's mail server took the ciphertext.",
    ['Email Activity', 'Send'],
    '10.2.1.1',
  ),
  'delivery.deferred': failure('An attempt failed; there will be another.', ['Email Activity', 'Send']),
  'delivery.failed': failure('A delivery ended without success.', ['Email Activity', 'Send']),
  'delivery.quarantined': failure('A delivery waits for an operator.', ['Email Activity', 'Send']),
  'delivery.released': success(
    'An operator let a delivery in quarantine be tried again.',
    ['Email Activity', 'Send'],
    '10.2.1.2',
  ),
  'delivery.cancelled': success(
    'A delivery was given up while it waited.',
    ['Email Activity', 'Send'],
    '10.2.1.2',
  ),
  'ciphertext.purged': success(
    'A delivery is settled, and its ciphertext was deleted.',
    ['Datastore Activity', 'Delete'],
    '10.2.1.1',
  ),
} satisfies EntriesOf<MessageEvent>

export const noticeEntries = {
  'notice.queued': success('A mail of our own, from a fixed template, waits to be sent.', [
    'Email Activity',
    'Send',
  ]),
  'notice.sent': success('A mail of our own was sent.', ['Email Activity', 'Send']),
  'notice.deferred': failure('A mail of our own could not be sent; it is tried again.', [
    'Email Activity',
    'Send',
  ]),
  'notice.failed': failure('A mail of our own was given up.', ['Email Activity', 'Send']),
} satisfies EntriesOf<NoticeEvent>
