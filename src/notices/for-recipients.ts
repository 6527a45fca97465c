import { code, count, fingerprint, name, oneOf, time, token } from './field.ts'
import { linkTo, template } from './template.ts'
import { day, grouped, inDays, moment } from './words.ts'

/** Every mail to a recipient whose key is, or may come, in use ends with the link that stops its use. */
const stop = { stopToken: token }

/** Why a recipient gets nothing for now. */
const suspensionReasons = [
  'operator',
  'attestation_missing',
  'attestation_lapsed',
  'certificate_expired',
  'certificate_not_allowed',
] as const
export type SuspensionReason = (typeof suspensionReasons)[number]

const whySuspended: Record<SuspensionReason, string> = {
  operator: 'One of our operators decided this.',
  attestation_missing: 'A document that we need from you is missing.',
  attestation_lapsed: 'A document that we need from you is out of date.',
  certificate_expired: 'Your OpenPGP key has expired.',
  certificate_not_allowed: 'Your OpenPGP key no longer meets our rules.',
}

const attestationKinds = ['aoc', 'saq', 'contract', 'scope', 'training', 'retention'] as const
const attestationNames: Record<(typeof attestationKinds)[number], string> = {
  aoc: 'PCI DSS attestation of compliance (AOC)',
  saq: 'PCI DSS self-assessment (SAQ)',
  contract: 'contract',
  scope: 'scope confirmation',
  training: 'training record',
  retention: 'agreement on how long you keep card data',
}

const revocationReasons = ['compromised', 'superseded', 'retired', 'left', 'unknown'] as const
const whyRevoked: Record<(typeof revocationReasons)[number], string> = {
  compromised: 'It was reported that somebody else may have your private key.',
  superseded: 'It was replaced by another key.',
  retired: 'It was reported that this key is no longer in use.',
  left: 'It was reported that you no longer receive such messages.',
  unknown: 'No reason was given.',
}

/** Notices to recipients, by kind. */
export const forRecipients = {
  invitation: template({
    // `organisation` is the recipient's own, as the admin who invites typed it.
    fields: { organisation: name, until: time, enrolToken: token, ...stop },
    subject: 'Set up secure mail: your OpenPGP key is needed',
    lines: ({ organisation, until, enrolToken }, sender) => [
      `${sender.organisation} wants to send you (${organisation}) confidential messages by email. They are encrypted, so that only you can read them. For that we need your OpenPGP key.`,
      'Please open this page and follow the steps. It takes a few minutes:',
      linkTo(sender, 'enrol', enrolToken),
      `The link works once, until ${moment(until)}. Never send us a private key or a password; we do not ask for one.`,
      'Somebody from our side will call you to compare your key with you. If you do not know why you get this, ask your contact person before you go on.',
    ],
  }),
  possession: template({
    fields: { until: time, proveToken: token, ...stop },
    subject: 'Confirm your OpenPGP key',
    lines: ({ until, proveToken }, sender) => [
      'You can read this, so your key works. Please confirm it here:',
      linkTo(sender, 'prove', proveToken),
      'Or copy this code into the page that you came from:',
      proveToken,
      `It works until ${moment(until)}.`,
    ],
  }),
  activated: template({
    fields: { fingerprint, ...stop },
    subject: 'Your OpenPGP key is now in use',
    lines: ({ fingerprint: key }, sender) => [
      `From now on, ${sender.organisation} can send you confidential messages. They are encrypted to the key with this fingerprint:`,
      grouped(key),
      'There is nothing that you need to do.',
    ],
  }),
  replacement_proposed: template({
    fields: { fingerprint, ...stop },
    subject: 'A new OpenPGP key was proposed for you',
    lines: ({ fingerprint: key }) => [
      'Somebody proposed this key, or a new encryption subkey of it, to replace what we use for you:',
      grouped(key),
      'It is not in use yet. If it was you, follow the steps on the page; otherwise use the link below at once.',
    ],
  }),
  replacement_approved: template({
    fields: { fingerprint, activatesAt: time, ...stop },
    subject: 'Your OpenPGP key will be replaced',
    lines: ({ fingerprint: key, activatesAt }) => [
      `From ${moment(activatesAt)} on, messages to you will be encrypted to the key with this fingerprint:`,
      grouped(key),
      'If you did not ask for this, use the link below before then.',
    ],
  }),
  certificate_changed: template({
    fields: { oldFingerprint: fingerprint, fingerprint, ...stop },
    subject: 'Your OpenPGP key was replaced',
    lines: ({ oldFingerprint, fingerprint: key }) => [
      ...(key === oldFingerprint
        ? ['Messages to you are now encrypted to another encryption subkey of your key:', grouped(key)]
        : [
            'Messages to you are now encrypted to the key with this fingerprint:',
            grouped(key),
            'It replaces this one:',
            grouped(oldFingerprint),
          ]),
      'Keep the old private key for as long as you need to read what was sent to it.',
    ],
  }),
  certificate_extended: template({
    fields: { fingerprint, expiresAt: time, ...stop },
    subject: 'Your OpenPGP key is good for longer',
    lines: ({ fingerprint: key, expiresAt }) => [
      `We found a newer copy of your key. It is now good until ${day(expiresAt)}:`,
      grouped(key),
      'There is nothing that you need to do.',
    ],
  }),
  expiring: template({
    fields: { fingerprint, expiresAt: time, days: count, until: time, enrolToken: token, ...stop },
    subject: 'Your OpenPGP key ends soon',
    lines: ({ fingerprint: key, expiresAt, days, until, enrolToken }, sender) => [
      `The key that we use for you ends ${inDays(days)}, on ${day(expiresAt)}. After that we cannot send you confidential messages.`,
      grouped(key),
      'Please extend it, or make a new one, and upload it here:',
      linkTo(sender, 'enrol', enrolToken),
      `The link works once, until ${moment(until)}. After that, ask your contact person with us for a new one.`,
    ],
  }),
  attestation_expiring: template({
    fields: { attestation: oneOf(attestationKinds), validUntil: time, days: count, ...stop },
    subject: 'A document that we need from you ends soon',
    lines: ({ attestation, validUntil, days }) => [
      `Your ${attestationNames[attestation]} ends ${inDays(days)}, on ${day(validUntil)}. After that we may not send you confidential messages.`,
      'Please send a new one to your contact person with us. Do not answer this mail.',
    ],
  }),
  suspended: template({
    fields: { reason: oneOf(suspensionReasons), ...stop },
    subject: 'You get no confidential messages for now',
    lines: ({ reason }, sender) => [
      `${sender.organisation} has stopped sending you confidential messages for now. ${whySuspended[reason]}`,
      'Please speak to your contact person with us, so that it can go on.',
    ],
  }),
  reinstated: template({
    fields: stop,
    subject: 'You get confidential messages again',
    lines: (_values, sender) => [
      `${sender.organisation} can send you confidential messages again. There is nothing that you need to do.`,
    ],
  }),
  policy_cut_off: template({
    fields: { policy: code, from: time, fingerprint, until: time, enrolToken: token, ...stop },
    subject: 'A stronger OpenPGP key is needed',
    lines: ({ from, fingerprint: key, until, enrolToken }, sender) => [
      `Our rules for keys get stricter. From ${day(from)} on, this key of yours no longer meets them:`,
      grouped(key),
      'Please make a new key and upload it here before then; the page explains what it needs:',
      linkTo(sender, 'enrol', enrolToken),
      `The link works once, until ${moment(until)}; after that, ask your contact person with us for a new one. Without a new key we cannot send you confidential messages from that day on.`,
    ],
  }),
  proposal_not_allowed: template({
    fields: { fingerprint, until: time, enrolToken: token, ...stop },
    subject: 'The OpenPGP key that you proposed cannot be used',
    lines: ({ fingerprint: key, until, enrolToken }, sender) => [
      'Our rules for keys got stricter since you gave us this key, and it does not meet them. It will not be used:',
      grouped(key),
      'Please make a new key and upload it here; the page explains what it needs:',
      linkTo(sender, 'enrol', enrolToken),
      `The link works once, until ${moment(until)}; after that, ask your contact person with us for a new one.`,
    ],
  }),
} as const

/** To recipients as well, but there is nothing left to stop. */
export const forStopped = {
  revoked: template({
    fields: { fingerprint, reason: oneOf(revocationReasons) },
    subject: 'Your OpenPGP key is no longer used',
    lines: ({ fingerprint: key, reason }) => [
      `Nothing more is sent to the key with this fingerprint. ${whyRevoked[reason]}`,
      grouped(key),
      'If somebody else may have your private key, revoke it wherever else you use it. To receive messages again, ask your contact person with us for a new invitation.',
    ],
  }),
  unenrolled: template({
    fields: {},
    subject: 'You get no confidential messages any more',
    lines: (_values, sender) => [
      `${sender.organisation} sends you no confidential messages any more, and your key is no longer used.`,
      'If you did not expect this, speak to your contact person with us.',
    ],
  }),
} as const
