import type { WebhookEvent } from '../events/webhooks.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const webhookEntries = {
  'webhook.added': success(
    'An application is told what becomes of its messages, at this host.',
    ['Entity Management', 'Create'],
    '10.2.1.2',
    '10.2.1.7',
  ),
  'webhook.removed': success(
    'An application is told nothing there any more.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
    '10.2.1.7',
  ),
  'webhook.secret.rotated': success(
    'Calls are signed by a new secret; for a while by the former one, too.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'webhook.enabled': success(
    'A webhook that was disabled is called again.',
    ['Entity Management', 'Activate'],
    '10.2.1.2',
  ),
  'webhook.tested': success('Somebody had a webhook called, to see whether it answers.', null, '10.2.1.2'),
  'webhook.disabled': failure('A webhook failed for days and is not called any more.', [
    'Entity Management',
    'Suspend',
  ]),
  'webhook.call.given_up': failure('A call of a webhook was given up.', null),
} satisfies EntriesOf<WebhookEvent>
