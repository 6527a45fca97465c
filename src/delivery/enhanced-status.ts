import type { FailureOutcome, MailStep } from './outcome.ts'
import type { Reply } from './smtp/reply.ts'

/** Subject and detail of an enhanced status code, `1.1` of `5.1.1`. */
export type EnhancedStatus = `${number}.${number}`

/**
 * The enhanced status code that a reply begins with (RFC 2034), without its class; undefined when there is none, or its
 * class is not that of the reply: who contradicts himself is believed in his plain code only.
 */
export function enhancedStatus({ code, lines }: Reply): EnhancedStatus | undefined {
  const [, family, status] = /^([245])\.([0-9]{1,3}\.[0-9]{1,3})(?: |$)/.exec(lines[0] ?? '') ?? []
  return family === String(code).charAt(0) ? (status as EnhancedStatus) : undefined
}

/** What details of RFC 3463 and of the registry of IANA mean; a subject alone, where none of its details is named. */
const deferrals: Readonly<Record<string, FailureOutcome>> = {
  '2': 'mailbox_unavailable',
  '2.2': 'mailbox_full_for_now',
  '3': 'server_busy',
  '7': 'policy_deferred',
  // RFC 6647 section 2.1.
  '7.1': 'greylisted',
}

const rejections: Readonly<Record<string, FailureOutcome>> = {
  '1.1': 'mailbox_unknown',
  '1.2': 'mailbox_unknown',
  '1.3': 'mailbox_unknown',
  '1.6': 'mailbox_unknown',
  '1.7': 'sender_rejected',
  '1.8': 'sender_rejected',
  '1.10': 'domain_takes_no_mail',
  '2.1': 'mailbox_disabled',
  '2.2': 'mailbox_full',
  '2.3': 'message_too_large',
  '3.4': 'message_too_large',
  '7': 'policy_rejected',
  '7.4': 'security_required',
  '7.5': 'security_required',
  '7.10': 'security_required',
  '7.11': 'security_required',
  // RFC 7372; 5.7.27 is RFC 7505.
  '7.20': 'sender_not_authenticated',
  '7.21': 'sender_not_authenticated',
  '7.22': 'sender_not_authenticated',
  '7.23': 'sender_not_authenticated',
  '7.24': 'sender_not_authenticated',
  '7.25': 'sender_not_authenticated',
  '7.26': 'sender_not_authenticated',
  '7.27': 'sender_rejected',
  // RFC 8689 section 4.2.1.
  '7.30': 'security_required',
}

/** What a 4xx means. */
export function outcomeOfDeferral(status: EnhancedStatus | undefined, step: MailStep): FailureOutcome {
  const named = lookUp(deferrals, status)
  return named === undefined || isTooEarly(named, step) ? 'server_busy' : named
}

/** What a 5xx that speaks of the message means. */
export function outcomeOfRejection(
  status: EnhancedStatus | undefined,
  code: number,
  step: MailStep,
): FailureOutcome {
  const named = lookUp(rejections, status)
  if (named !== undefined && !isTooEarly(named, step)) return named
  // RFC 7504.
  if (code === 556) return 'domain_takes_no_mail'
  // Of the mailbox's quota at RCPT; elsewhere, the size of the message.
  if (code === 552) return step === 'rcpt' ? 'mailbox_full' : 'message_too_large'
  if (step === 'mail') return 'sender_rejected'
  return step === 'rcpt' ? 'mailbox_rejected' : 'message_rejected'
}

/** At MAIL FROM, a server knows the sender only, and the size: it cannot speak of a mailbox or of what we wrote. */
function isTooEarly(outcome: FailureOutcome, step: MailStep): boolean {
  return step === 'mail' && (outcome.startsWith('mailbox_') || outcome === 'policy_rejected')
}

function lookUp(
  table: Readonly<Record<string, FailureOutcome>>,
  status: EnhancedStatus | undefined,
): FailureOutcome | undefined {
  if (status === undefined) return undefined
  const [subject = '', detail = ''] = status.split('.')
  const [exact, general] = [`${Number(subject)}.${Number(detail)}`, String(Number(subject))]
  return table[exact] ?? table[general]
}
