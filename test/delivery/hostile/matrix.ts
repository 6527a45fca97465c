import type { Outcome } from '../../../src/delivery/outcome.ts'

/**
 * The ways to authenticate a mail server, as they are tried here: a DANE-EE(3) and a DANE-TA(2) record, a pinned key alone, a
 * pinned CA, an MTA-STS policy in mode enforce, listed hosts under the public CAs.
 */
export const matrixLevels = ['dane-ee', 'dane-ta', 'pinned-key', 'pinned-ca', 'mta_sts', 'secure'] as const
export type MatrixLevel = (typeof matrixLevels)[number]

type Outcomes = Outcome | Readonly<Record<MatrixLevel, Outcome>>

/** The same for the three that take a chain to a CA and a name. */
function by(ee: Outcome, ta: Outcome, pinnedKey: Outcome, chain: Outcome): Outcomes {
  return {
    'dane-ee': ee,
    'dane-ta': ta,
    'pinned-key': pinnedKey,
    'pinned-ca': chain,
    mta_sts: chain,
    secure: chain,
  }
}

/** Only where STARTTLS is. */
const beforeTls = {
  'STARTTLS is not offered': 'tls_not_offered',
  'STARTTLS stands only inside another word': 'tls_not_offered',
  'STARTTLS is refused for now': 'tls_refused',
  'STARTTLS is refused for good': 'tls_refused',
  'STARTTLS is answered 421': 'tls_refused',
  'STARTTLS is answered 250': 'protocol_violation',
  'STARTTLS is answered before it is asked for': 'protocol_violation',
  'the server hangs up at STARTTLS': 'connection_lost',
  'a reply is injected after the STARTTLS reply': 'starttls_injection',
  'half a line is injected after the STARTTLS reply': 'starttls_injection',
  'the handshake is answered in clear': 'starttls_injection',
} as const satisfies Record<string, Outcomes>

/** In clear where STARTTLS is, inside TLS where it is not. */
const greetings = {
  'the greeting says that we are authenticated already': 'protocol_violation',
  'the server greets twice': 'protocol_violation',
  'the greeting is 421': 'server_busy',
  'the greeting is a refusal for good': 'server_refused',
  'EHLO is refused, HELO would do': 'server_refused',
  'EHLO is answered 421': 'server_busy',
  'EHLO is answered twice': 'protocol_violation',
} as const satisfies Record<string, Outcomes>

const certificates = {
  'all is well': 'delivered',
  'the certificate is self-signed': by(
    'tls_dane_mismatch',
    'tls_dane_mismatch',
    'tls_pin_mismatch',
    'tls_certificate_untrusted',
  ),
  'the certificate is self-signed, with the known key': by(
    'delivered',
    'tls_dane_mismatch',
    'delivered',
    'tls_certificate_untrusted',
  ),
  'the certificate is of an unknown CA of the same name': by(
    'tls_dane_mismatch',
    'tls_dane_mismatch',
    'tls_pin_mismatch',
    'tls_certificate_untrusted',
  ),
  'the certificate is of an unknown CA, and the known CA is sent along': by(
    'tls_dane_mismatch',
    'tls_certificate_untrusted',
    'tls_pin_mismatch',
    'tls_certificate_untrusted',
  ),
  'the CA’s certificate is not sent': by('delivered', 'tls_dane_mismatch', 'delivered', 'delivered'),
  'the key is new': by('tls_dane_mismatch', 'delivered', 'tls_pin_mismatch', 'delivered'),
  'the certificate bears another name': by(
    'delivered',
    'tls_name_mismatch',
    'tls_name_mismatch',
    'tls_name_mismatch',
  ),
  'the name is only the common name': by(
    'delivered',
    'tls_name_mismatch',
    'tls_name_mismatch',
    'tls_name_mismatch',
  ),
  'the name is a partial wildcard': by(
    'delivered',
    'tls_name_mismatch',
    'tls_name_mismatch',
    'tls_name_mismatch',
  ),
  'the certificate has expired': by(
    'delivered',
    'tls_certificate_expired',
    'tls_certificate_expired',
    'tls_certificate_expired',
  ),
  'the certificate is not valid yet': by(
    'delivered',
    'tls_certificate_expired',
    'tls_certificate_expired',
    'tls_certificate_expired',
  ),
  'the certificate is a client’s': by(
    'delivered',
    'tls_certificate_untrusted',
    'delivered',
    'tls_certificate_untrusted',
  ),
  'the certificate was revoked': by('delivered', 'delivered', 'delivered', 'tls_certificate_revoked'),
} as const satisfies Record<string, Outcomes>

const channel = {
  'the server speaks TLS 1.1 at most': 'tls_handshake_failed',
  'the server has no suite with forward secrecy': 'tls_handshake_failed',
  'the server has only suites without AEAD': 'tls_handshake_failed',
  'the server hangs up in the handshake': 'tls_handshake_failed',
  'implicit TLS is answered in clear': 'tls_handshake_failed',
  'the server speaks TLS 1.2': 'delivered',
  'REQUIRETLS is a must and is not offered': 'requiretls_not_offered',
} as const satisfies Record<string, Outcomes>

/** Where a server can keep us waiting, in order. The first ones are in clear where STARTTLS is. */
export const waitingSteps = [
  'the greeting',
  'EHLO',
  'STARTTLS',
  'the handshake',
  'EHLO inside TLS',
  'MAIL FROM',
  'RCPT TO',
  'DATA',
  'the final dot',
] as const
export type WaitingStep = (typeof waitingSteps)[number]

const waitingKinds = ['silence', 'a slow drip', 'an endless reply'] as const
export type WaitingKind = (typeof waitingKinds)[number]

export type Situation =
  | keyof typeof beforeTls
  | keyof typeof greetings
  | keyof typeof certificates
  | keyof typeof channel

export const situations: Readonly<Record<Situation, Outcomes>> = {
  ...certificates,
  ...channel,
  ...greetings,
  ...beforeTls,
}

const transports = ['starttls', 'implicit'] as const
export type Transport = (typeof transports)[number]

/** The transports on which a situation can be. */
export function transportsOf(situation: Situation): readonly Transport[] {
  if (situation === 'implicit TLS is answered in clear') return ['implicit']
  return situation in beforeTls ? ['starttls'] : transports
}

/** The same for waiting. Implicit TLS that is answered in clear without end is a situation of its own. */
export function transportsOfWaiting(step: WaitingStep, kind: WaitingKind): readonly Transport[] {
  const onlyClear = step === 'EHLO' || step === 'STARTTLS'
  return onlyClear || (step === 'the handshake' && kind === 'an endless reply') ? ['starttls'] : transports
}

/** What is expected of one session. */
export interface MatrixRow {
  readonly situation: string
  readonly level: MatrixLevel
  readonly outcome: Outcome
}

export function rowsOf(situation: Situation): readonly MatrixRow[] {
  const outcomes = situations[situation]
  return matrixLevels.map(level => ({
    situation,
    level,
    outcome: typeof outcomes === 'string' ? outcomes : outcomes[level],
  }))
}

export function rowsOfWaiting(step: WaitingStep, kind: WaitingKind): readonly MatrixRow[] {
  // What is not TLS, after the reply to STARTTLS.
  const endless = step === 'the handshake' ? 'starttls_injection' : 'protocol_violation'
  const outcome = kind === 'an endless reply' ? endless : 'timeout'
  return matrixLevels.map(level => ({ situation: `${kind} at ${step}`, level, outcome }))
}

/** Every situation of threats.md, "Transport", that a server can bring about, and how a session in it ends. */
export const hostileMatrix: readonly MatrixRow[] = [
  ...(Object.keys(situations) as Situation[]).flatMap(rowsOf),
  ...waitingSteps.flatMap(step => waitingKinds.flatMap(kind => rowsOfWaiting(step, kind))),
]
