import type { TransportEvent } from '../events/transport.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const transportEntries = {
  'destination.set': success(
    'How the mail servers of a domain must prove themselves was decided.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
  ),
  'destination.removed': success(
    'A domain has no rule any more.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
  ),
  'destination.probed': success(
    'An operator had the way into a domain walked, without a mail; what was found is in the fields.',
    ['Entity Management', 'Read'],
    '10.2.1.2',
  ),
  'attack.suspected': failure('A mail server, or somebody before it, behaved like an attacker.', [
    'Detection Finding',
    'Create',
  ]),
  'resolver.tested': success(
    'The resolver was asked to prove that it validates; its answer is in the fields.',
    null,
  ),
  'mta_sts.policy.learnt': success('The policy host of a domain says something new.', null),
  'tls.reloaded': success(
    'A listener shows another certificate.',
    ['Application Lifecycle', 'Update'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'tls.reload.refused': failure(
    'A new certificate, key or list of ours was refused; the old one stays in use.',
    ['Application Lifecycle', 'Update'],
    '10.2.1.2',
  ),
  'tls.start.refused': failure(
    'A certificate, key or list of ours was refused, so the replica did not start.',
    ['Application Lifecycle', 'Start'],
    '10.2.1.2',
  ),
  'exception.active': failure('An exception to the TLS rules is in use.', ['Compliance Finding', 'Create']),
  'dkim.key.generated': success(
    'A key that signs mails for a domain was made.',
    ['Entity Management', 'Create'],
    '10.2.1.2',
    '10.2.1.5',
    '10.2.1.7',
  ),
  'dkim.key.retired': success(
    'A key that signed mails for a domain is used no more.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
    '10.2.1.5',
    '10.2.1.7',
  ),
} satisfies EntriesOf<TransportEvent>
