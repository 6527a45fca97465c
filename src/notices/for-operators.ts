import {
  address,
  code,
  count,
  fingerprint,
  listOf,
  name,
  noteSignature,
  oneOf,
  optional,
  sha256,
  time,
  treeHead,
} from './field.ts'
import { template } from './template.ts'
import { day, grouped, inDays, moment } from './words.ts'

/** What happened to a recipient, and must be looked at or at least known. */
export const reports = {
  possession_proved:
    'They proved that they hold their new key. Its fingerprint waits to be compared with them.',
  replacement_proposed: 'Another key was proposed for them.',
  proposal_not_allowed:
    'The key that was proposed for them does not meet the crypto policy that is in force by now. It was dropped, and so was the request to use it.',
  certificate_activated: 'A key of theirs was put into use.',
  certificate_changed: 'Their key was replaced.',
  certificate_extended: 'A newer copy of their key was found; it is good for longer.',
  certificate_revoked: 'Their key was revoked. Nothing is sent to it any more.',
  recipient_suspended: 'They were suspended, and get nothing for now.',
  recipient_stopped: 'The link in a mail to them was used to stop the use of their key.',
  recipient_unenrolled: 'They were unenrolled.',
  refresh_found_other_key:
    'A directory shows a key or an encryption subkey for them that is not the one in use.',
} as const

const changes = {
  'recipient.activate': 'to put a key of a recipient into use',
  'recipient.reinstate': 'to reinstate a recipient',
  'recipient.attest': 'to record a document of a recipient',
  'policy.adopt': 'to put a crypto policy in force',
  'destination.set': 'to change how the mail servers of a domain are authenticated',
} as const

const things = { certificate: 'OpenPGP key', attestation: 'document' } as const

const words = <Name extends string>(of: Readonly<Record<Name, string>>): Name[] => Object.keys(of) as Name[]

/** The most that one notice lists. */
export const listed = 100

/** Notices to operators, by kind. They hold no link: an operator signs in by one that the host gives. */
export const forOperators = {
  change_waiting: template({
    fields: {
      change: oneOf(words(changes)),
      askedBy: name,
      /** Whom it is about; null when it is not about a recipient. */
      about: optional(address),
      until: time,
    },
    subject: 'A change waits for a second person',
    lines: ({ change, askedBy, about, until }) => [
      `${askedBy} asks ${changes[change]}${about === null ? '' : ` (${about})`}.`,
      `Please sign in, look at it and decide before ${moment(until)}. If nobody does, nothing changes.`,
    ],
  }),
  recipient_report: template({
    fields: { about: address, report: oneOf(words(reports)), fingerprint: optional(fingerprint), at: time },
    subject: 'A recipient changed',
    lines: ({ about, report, fingerprint: key, at }) => [
      `${about}, ${moment(at)}: ${reports[report]}`,
      ...(key === null ? [] : [grouped(key)]),
    ],
  }),
  ending_soon: template({
    fields: {
      list: listOf({ about: address, thing: oneOf(words(things)), endsAt: time, days: count }, listed),
      more: count,
    },
    subject: 'Keys or documents of recipients end soon',
    lines: ({ list, more }) => [
      'These end soon. The recipients were told; after that day nothing can be sent to them.',
      ...list.map(
        ({ about, thing, endsAt, days }) => `${about}: ${things[thing]}, ${inDays(days)}, on ${day(endsAt)}`,
      ),
      ...(more === 0 ? [] : [`And ${more} more; see the list of recipients.`]),
    ],
  }),
  policy_scheduled: template({
    fields: { policy: code, from: time, cutOff: count },
    subject: 'A crypto policy takes effect',
    lines: ({ policy, from, cutOff }) => [
      `The crypto policy "${policy}" takes effect on ${moment(from)}.`,
      cutOff === 0
        ? 'Every key in use meets it.'
        : `Keys in use that do not meet it: ${cutOff}. Their owners were told.`,
    ],
  }),
  daily_review: template({
    fields: {
      day: time,
      events: count,
      messages: count,
      delivered: count,
      failed: count,
      quarantined: count,
      refused: count,
      unusual: count,
      alarms: count,
      pending: count,
      ending: count,
      late: count,
      report: sha256,
      /** The last one, if there is any. */
      checkpoint: listOf({ size: count, root: treeHead, signature: noteSignature }, 1),
    },
    subject: 'The daily review of the audit log',
    lines: (values, { mailHost }) => [
      `${day(values.day)}, UTC, in numbers. Please read the report itself and note that you did:`,
      `sealpost audit review --day ${values.day.toISOString().slice(0, 10)}`,
      `It is made on a host of the gateway; its SHA-256 is in the audit log, and is
${values.report}`,
      [
        `Events: ${values.events}`,
        `Messages accepted: ${values.messages}`,
        `Deliveries: ${values.delivered} delivered, ${values.failed} failed, ${values.quarantined} into quarantine`,
        `Refusals: ${values.refused}`,
        `Unusual volumes: ${values.unusual}`,
        `Alarms or suspicions: ${values.alarms}`,
        `Changes that wait for a second person: ${values.pending}`,
        `Keys, documents, policies and certificates that end within 30 days: ${values.ending}`,
        `Events that came later than the report of their day: ${values.late}`,
      ].join('\n'),
      ...values.checkpoint.flatMap(({ size, root, signature }) => [
        'The last checkpoint of the log. Please keep this mail: what is signed here shows whether the log was cut off, rewritten or put back since. See `sealpost audit verify --help`.',
        `${mailHost}/audit-log\n${size}\n${root}`,
        `\u2014 ${mailHost}/audit-log ${signature}`,
      ]),
    ],
  }),
  policy_ending: template({
    fields: { policy: code, expiresAt: time, days: count },
    subject: 'The approval of the crypto policy ends soon',
    lines: ({ policy, expiresAt, days }) => [
      `The approval of the crypto policy "${policy}" ends ${inDays(days)}, on ${moment(expiresAt)}.`,
      'Without an approved policy nothing is sent. Please review it and approve it again.',
    ],
  }),
} as const
