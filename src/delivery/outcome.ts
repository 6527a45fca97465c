import type { RecipientCode } from '../kernel/index.ts'
import type { Reply } from './smtp/reply.ts'

type Disposition = 'delivered' | 'temporary' | 'permanent'

/**
 * Every way in which an attempt, or a delivery, can end. Codes with `tls_` speak of the mail server's certificate and
 * channel; those with `certificate_` of the recipient's OpenPGP certificate.
 */
const dispositions = {
  delivered: 'delivered',

  // No session with an authenticated server came about.
  destination_missing: 'temporary',
  dns_failed: 'temporary',
  address_not_allowed: 'temporary',
  connect_failed: 'temporary',
  connection_lost: 'temporary',
  timeout: 'temporary',
  tls_not_offered: 'temporary',
  tls_refused: 'temporary',
  tls_handshake_failed: 'temporary',
  tls_too_weak: 'temporary',
  tls_certificate_untrusted: 'temporary',
  tls_certificate_expired: 'temporary',
  tls_name_mismatch: 'temporary',
  tls_pin_mismatch: 'temporary',
  /** No TLSA record of the server fits what it presented (RFC 7672). */
  tls_dane_mismatch: 'temporary',
  tls_certificate_revoked: 'temporary',
  /** Nothing fresh is known of a revocation, and the policy wants to know. */
  tls_revocation_stale: 'temporary',
  /** The way into the domain is not authenticated: neither DANE nor an MTA-STS policy in mode enforce. */
  destination_not_authenticated: 'temporary',
  /** It is authenticated, but not as strongly as the rule or the crypto policy wants. */
  destination_below_floor: 'temporary',
  /** The domain's MTA-STS policy names none of its mail servers. */
  mx_not_in_policy: 'temporary',
  /** RFC 7505: the domain says that it takes no mail. */
  domain_takes_no_mail: 'permanent',
  /** REQUIRETLS is a must here, and the server does not offer it (RFC 8689). */
  requiretls_not_offered: 'temporary',
  /** The relay did not take our credentials. */
  relay_authentication_failed: 'temporary',
  /** Bytes were slipped in between the STARTTLS reply and the handshake (CVE-2011-0411 and its kin): an attack. */
  starttls_injection: 'temporary',

  // What the server said.
  /** Not RFC 5321, or a reply to nothing. Suspicious: nothing that such a server says is believed. */
  protocol_violation: 'temporary',
  server_busy: 'temporary',
  /** A refusal that says nothing of this message: to our greeting, or of the way we speak. */
  server_refused: 'temporary',
  sender_rejected: 'permanent',
  mailbox_rejected: 'permanent',
  message_rejected: 'permanent',
  message_too_large: 'permanent',

  // What we found before we sent.
  recipient_unknown: 'permanent',
  recipient_not_active: 'permanent',
  certificate_missing: 'permanent',
  certificate_expired: 'permanent',
  certificate_revoked: 'permanent',
  certificate_retired: 'permanent',
  certificate_not_allowed: 'permanent',
  attestation_missing: 'permanent',
  attestation_lapsed: 'permanent',
  outbound_gate_refused: 'permanent',
  /** No crypto policy is in force. What was accepted waits for one. */
  sending_not_approved: 'temporary',
  internal_error: 'temporary',

  /** The last attempt was temporary, and the time is over. */
  gave_up: 'permanent',
  /** An operator ended it, out of quarantine. */
  cancelled: 'permanent',
} as const satisfies Record<string, Disposition> & Record<RecipientCode, Disposition>

export type Outcome = keyof typeof dispositions

/** An outcome that is not success. */
export type FailureOutcome = Exclude<Outcome, 'delivered'>

export function dispositionOf(outcome: Outcome): Disposition {
  return dispositions[outcome]
}

/** The part of a session that a reply answers; `message` is the final dot. */
export type Step = 'greeting' | 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'message'

/**
 * What a 4xx or 5xx means (RFC 5321 section 4.2.1). Before MAIL FROM nothing was said of a message, so nothing there is
 * permanent; nor are 500 to 504 and 530 anywhere: they speak of the command or the session.
 */
export function outcomeOfRefusal(step: Step, reply: Reply): FailureOutcome {
  if (step === 'starttls') return 'tls_refused'
  if (reply.code < 500) return 'server_busy'
  if (reply.code <= 504 || reply.code === 530) return 'server_refused'
  if (reply.code === 552 || /^5\.3\.4(?![0-9])/.test(reply.lines[0] ?? '')) return tooLarge(step)
  switch (step) {
    case 'greeting':
    case 'ehlo':
      return 'server_refused'
    case 'mail':
      return 'sender_rejected'
    case 'rcpt':
      return 'mailbox_rejected'
    case 'data':
    case 'message':
      return 'message_rejected'
  }
}

/** 552 at RCPT is the mailbox's quota; elsewhere, the size of the message. */
function tooLarge(step: Exclude<Step, 'starttls'>): FailureOutcome {
  if (step === 'greeting' || step === 'ehlo') return 'server_refused'
  return step === 'rcpt' ? 'mailbox_rejected' : 'message_too_large'
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
  return /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|CRL_|ERROR_IN_CERT_|HOSTNAME_MISMATCH)/.test(
    code,
  )
}
