import type { OperatorEvent } from '../events/operators.ts'
import type { PolicyEvent } from '../events/policy.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const operatorEntries = {
  'operator.added': success(
    'An operator was added, with these roles.',
    ['Account Change', 'Create'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'operator.revoked': success(
    'An operator may do nothing any more; sessions end with it.',
    ['Account Change', 'Delete'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'operator.link.issued': success(
    'A link that signs an operator in, once, was made.',
    null,
    '10.2.1.2',
    '10.2.1.5',
  ),
  'operator.signed_in': success('A session of an operator began.', ['Authentication', 'Logon'], '10.2.1.2'),
  'operator.signed_out': success('An operator ended a session.', ['Authentication', 'Logoff'], '10.2.1.2'),
  'operator.session.expired': success(
    'A session ended because its time was over.',
    ['Authentication', 'Logoff'],
    '10.2.1.2',
  ),
  'operator.sign_in.refused': failure('A sign-in link was refused.', ['Authentication', 'Logon'], '10.2.1.4'),
  'change.asked': success(
    'An operator asked for a change that takes two people.',
    ['Entity Management', 'Create'],
    '10.2.1.2',
  ),
  'change.approved': success(
    'Another operator approved the change, and it is done.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
  ),
  'change.rejected': success(
    'Another operator turned the change down.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
  ),
  'change.withdrawn': success(
    'Whoever asked for the change took it back.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
  ),
  'change.expired': success('Nobody decided on the change in time.', ['Entity Management', 'Delete']),
  'change.voided': failure(
    'What the change is about changed, so that it could not be applied any more.',
    ['Entity Management', 'Delete'],
    '10.2.1.2',
  ),
  'change.refused': failure(
    'An operator tried to decide on a change and may not.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
    '10.2.1.4',
  ),
} satisfies EntriesOf<OperatorEvent>

export const policyEntries = {
  'policy.adopted': success(
    'A crypto policy was approved and comes into force.',
    ['Entity Management', 'Activate'],
    '10.2.1.2',
  ),
  'policy.assessed': success(
    'Somebody had the recipients judged by a policy.',
    ['Entity Management', 'Read'],
    '10.2.1.2',
  ),
} satisfies EntriesOf<PolicyEvent>
