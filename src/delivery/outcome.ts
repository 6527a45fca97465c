import type { RecipientCode } from '../kernel/index.ts'
import { enhancedStatus, outcomeOfDeferral, outcomeOfRejection } from './enhanced-status.ts'
import type { Reply } from './smtp/reply.ts'

type Disposition = 'delivered' | 'temporary' | 'permanent'

/**
 * Every way in which an attempt, or a delivery, can end, and what it means; docs/outcomes.md is made from here. Codes with
 * `tls_` speak of the mail server's certificate and channel; those with `certificate_` of the recipient's OpenPGP
 * certificate.
 */
export const outcomes = {
  delivered: ['delivered', 'The server took responsibility for the message.'],

  // No session with an authenticated server came about.
  destination_missing: ['temporary', 'No rule says how the mail servers of the domain are authenticated.'],
  dns_failed: ['temporary', 'DNS did not answer, or its answer was bogus.'],
  address_not_allowed: ['temporary', 'The server is at a private address that is not among those allowed.'],
  connect_failed: ['temporary', 'No connection to the server came about.'],
  connection_lost: ['temporary', 'The connection ended early.'],
  timeout: ['temporary', 'The server took too long.'],
  tls_not_offered: ['temporary', 'The server does not offer STARTTLS, or somebody on the way took it out.'],
  tls_refused: ['temporary', 'The server offers STARTTLS and refused it.'],
  tls_handshake_failed: ['temporary', 'The TLS handshake failed.'],
  tls_too_weak: ['temporary', 'The server has no TLS that is good enough for us or for the policy in force.'],
  tls_certificate_untrusted: [
    'temporary',
    'The server’s certificate does not lead to a CA that is trusted here.',
  ],
  tls_certificate_expired: ['temporary', 'The server’s certificate is not in its time.'],
  tls_name_mismatch: ['temporary', 'The server’s certificate is for another name.'],
  tls_pin_mismatch: ['temporary', 'The server’s key is none of those that the rule pins.'],
  tls_dane_mismatch: ['temporary', 'No TLSA record of the server fits what it presented (RFC 7672).'],
  tls_certificate_revoked: ['temporary', 'The server’s certificate was revoked by its CA.'],
  tls_revocation_stale: [
    'temporary',
    'The CA’s word on a revocation of the server’s certificate is stale; or there is none, and the policy wants one.',
  ],
  destination_not_authenticated: [
    'temporary',
    'The way into the domain is not authenticated: neither DANE nor an MTA-STS policy in mode enforce.',
  ],
  destination_below_floor: [
    'temporary',
    'The way into the domain is authenticated, but not as strongly as the rule or the crypto policy wants.',
  ],
  mx_not_in_policy: ['temporary', 'The domain’s MTA-STS policy names none of its mail servers.'],
  mta_sts_unavailable: [
    'temporary',
    'The domain announces an MTA-STS policy that cannot be fetched, and there is no copy of an earlier one.',
  ],
  domain_takes_no_mail: ['permanent', 'The domain says that it takes no mail (RFC 7505, RFC 7504).'],
  requiretls_not_offered: [
    'temporary',
    'REQUIRETLS is a must for this domain, and the server does not offer it (RFC 8689).',
  ],
  relay_authentication_failed: ['temporary', 'Our relay did not take our credentials.'],
  // CVE-2011-0411 and its kin.
  starttls_injection: [
    'temporary',
    'Bytes were slipped in between the STARTTLS reply and the handshake: an attack.',
  ],

  // What the server said, by its codes.
  protocol_violation: [
    'temporary',
    'The server’s reply is not RFC 5321, or answers nothing. Nothing that such a server says is believed.',
  ],
  server_busy: ['temporary', 'The server cannot take the message now and says no more than that.'],
  server_refused: [
    'temporary',
    'A refusal that says nothing of this message: to our greeting, or of the way we speak.',
  ],
  greylisted: ['temporary', 'The server takes mail from us only when it comes a second time (RFC 6647).'],
  policy_deferred: [
    'temporary',
    'A rule of the server puts us off: too much mail, or mail it wonders about.',
  ],
  mailbox_unavailable: ['temporary', 'The mailbox takes no mail at the moment.'],
  mailbox_full_for_now: ['temporary', 'The mailbox is full at the moment.'],
  sender_rejected: ['permanent', 'The server takes no mail from this sender.'],
  sender_not_authenticated: [
    'permanent',
    'SPF, DKIM, DMARC or reverse DNS of our side did not satisfy the server (RFC 7372); see [dns-records.md](dns-records.md).',
  ],
  mailbox_unknown: ['permanent', 'There is no such mailbox.'],
  mailbox_disabled: ['permanent', 'The mailbox exists and takes no mail.'],
  mailbox_full: ['permanent', 'The mailbox is full.'],
  mailbox_rejected: ['permanent', 'The server refuses this recipient and does not say why.'],
  policy_rejected: ['permanent', 'A rule of the server forbids the message.'],
  security_required: [
    'permanent',
    'The server, or one behind it, wants or lacks a protection: encryption, authentication, REQUIRETLS.',
  ],
  message_rejected: ['permanent', 'The server refuses the message and does not say why.'],
  message_too_large: ['permanent', 'The message is larger than the server takes.'],

  // What we found before we sent.
  recipient_unknown: ['permanent', 'The address is not enrolled.'],
  recipient_not_active: ['permanent', 'The recipient is suspended, unenrolled or not enrolled to the end.'],
  certificate_missing: ['permanent', 'The recipient has no certificate.'],
  certificate_expired: ['permanent', 'The recipient’s certificate, or its encryption subkey, has expired.'],
  certificate_revoked: ['permanent', 'The recipient’s certificate was revoked.'],
  certificate_retired: [
    'permanent',
    'The recipient’s certificate was replaced, and the time to finish is over.',
  ],
  certificate_not_allowed: [
    'permanent',
    'The crypto policy in force does not allow the recipient’s certificate.',
  ],
  attestation_missing: ['permanent', 'What the recipient must have shown was never recorded.'],
  attestation_lapsed: ['permanent', 'What the recipient has shown holds no longer.'],
  outbound_gate_refused: [
    'permanent',
    'What was about to leave was not the one ciphertext that was accepted.',
  ],
  sending_not_approved: ['temporary', 'No crypto policy is in force. What was accepted waits for one.'],
  internal_error: ['temporary', 'Something failed inside the gateway.'],

  gave_up: ['permanent', 'The last attempt was temporary, and the time is over.'],
  expired: [
    'permanent',
    'The time that the application set was over, or no attempt would have come before it.',
  ],
  cancelled: ['permanent', 'An operator ended it, out of quarantine.'],
  cancelled_by_application: ['permanent', 'The application ended it before it was sent.'],
} as const satisfies Record<string, readonly [Disposition, string]> &
  Record<RecipientCode, readonly [Disposition, string]>

export type Outcome = keyof typeof outcomes

/** An outcome that is not success. */
export type FailureOutcome = Exclude<Outcome, 'delivered'>

export function dispositionOf(outcome: Outcome): Disposition {
  return outcomes[outcome][0]
}

/** The part of a session that a reply answers; `message` is the final dot. */
export type Step = 'greeting' | 'ehlo' | 'starttls' | 'auth' | MailStep
export type MailStep = 'mail' | 'rcpt' | 'data' | 'message'

/**
 * What a 4xx or 5xx means (RFC 5321 section 4.2.1), by its code and, where its class is the same, by its enhanced status
 * code (RFC 3463); never by its words. Before MAIL FROM nothing was said of a message, so nothing there is permanent; nor
 * are 500 to 504, 530 and 555 anywhere: they speak of the command or the session.
 */
export function outcomeOfRefusal(step: Step, reply: Reply): FailureOutcome {
  if (step === 'starttls') return 'tls_refused'
  if (step === 'greeting' || step === 'ehlo') return reply.code < 500 ? 'server_busy' : 'server_refused'
  if (step === 'auth') return reply.code < 500 ? 'server_busy' : 'relay_authentication_failed'
  const status = enhancedStatus(reply)
  if (reply.code < 500) return outcomeOfDeferral(status, step)
  if (reply.code <= 504 || reply.code === 530 || reply.code === 555) return 'server_refused'
  return outcomeOfRejection(status, reply.code, step)
}

/** What an error of the network or of a TLS handshake means, by its code. */
export function outcomeOfSocketError(
  code: string | undefined,
  phase: 'connect' | 'handshake' | 'session',
): FailureOutcome {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'tls_name_mismatch'
  if (code !== undefined && isChainError(code)) return outcomeOfChainError(code)
  if (phase === 'connect') return 'connect_failed'
  return phase === 'handshake' ? 'tls_handshake_failed' : 'connection_lost'
}

/** What OpenSSL's verdict on a certificate chain means; the codes are those of `tls.TLSSocket.authorizationError`. */
export function outcomeOfChainError(code: string): FailureOutcome {
  return code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'
    ? 'tls_certificate_expired'
    : 'tls_certificate_untrusted'
}

function isChainError(code: string): boolean {
  return /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|CRL_|ERROR_IN_CERT_|HOSTNAME_MISMATCH|UNSPECIFIED$)/.test(
    code,
  )
}
