import type { CertificateEvent } from '../events/certificates.ts'
import type { EnrolmentEvent } from '../events/enrolment.ts'
import { type EntriesOf, failure, success } from './entry.ts'

export const enrolmentEntries = {
  'recipient.invited': success(
    'An address was invited to become a recipient.',
    ['Entity Management', 'Create'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'enrolment.link.used': success('A mailed enrolment link was opened for the first time.', null),
  'enrolment.link.renewed': success('A new enrolment link was mailed.', null),
  'certificate.proposed': success(
    'A certificate that may become the one of a recipient was taken.',
    ['Entity Management', 'Create'],
    '10.2.1.5',
  ),
  'certificate.rejected': failure('A certificate was judged and not taken, for these reasons.', [
    'Entity Management',
    'Create',
  ]),
  'possession.challenged': success('A code that only the key can read was mailed.', null),
  'possession.proved': success('The code came back: whoever enrols holds the key.', [
    'Authentication',
    'Logon',
  ]),
  'possession.refused': failure('A wrong or late code came back.', ['Authentication', 'Logon'], '10.2.1.4'),
  'fingerprint.verified': success(
    'An operator compared the fingerprint with the recipient over another channel.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
  ),
  'proposal.approved': success(
    'A proposed certificate may be activated.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'proposal.dropped': success('A proposed certificate goes no further.', ['Entity Management', 'Delete']),
  'recipient.activated': success('An address can be sent to.', ['Entity Management', 'Activate'], '10.2.1.5'),
  'recipient.suspended': success(
    'An address cannot be sent to until it is reinstated.',
    ['Entity Management', 'Suspend'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'recipient.reinstated': success(
    'A suspended address can be sent to again.',
    ['Entity Management', 'Resume'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'recipient.unenrolled': success(
    'An address is a recipient no more.',
    ['Entity Management', 'Unenroll'],
    '10.2.1.2',
    '10.2.1.5',
  ),
  'attestation.recorded': success(
    'What a recipient has shown, and until when it holds, was recorded.',
    ['Entity Management', 'Update'],
    '10.2.1.2',
  ),
} satisfies EntriesOf<EnrolmentEvent>

export const certificateEntries = {
  'certificate.activated': success(
    'From now on messages are encrypted to this certificate.',
    ['Entity Management', 'Activate'],
    '10.2.1.5',
  ),
  'certificate.retired': success(
    'Nothing new is encrypted to this certificate.',
    ['Entity Management', 'Update'],
    '10.2.1.5',
  ),
  'certificate.revoked': success(
    'This certificate must not be used any more; what waited for it was stopped.',
    ['Entity Management', 'Delete'],
    '10.2.1.5',
  ),
  'certificate.refreshed': success(
    'A newer copy of an active certificate was taken.',
    ['Entity Management', 'Update'],
    '10.2.1.5',
  ),
  'exposure.reported': success(
    'Somebody had listed what was sent to a key that is compromised.',
    ['Entity Management', 'Read'],
    '10.2.1.2',
  ),
} satisfies EntriesOf<CertificateEvent>
