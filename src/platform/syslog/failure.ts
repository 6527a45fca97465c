import { SealpostError } from '../../kernel/index.ts'

/** Why messages are not known to have arrived. */
const failures = [
  'connect_failed',
  // The receiver did not prove who it is, or does not speak TLS by the profile.
  'not_authenticated',
  // By a TLS alert: it does not want our certificate, for one.
  'refused_by_receiver',
  'connection_lost',
  // It said something; a receiver has nothing to say (RFC 5425).
  'spoke',
  'timed_out',
  // It ended the connection without a sign that it had read everything.
  'not_confirmed',
] as const

export type SyslogFailure = (typeof failures)[number]

export function syslogFailed(failure: SyslogFailure, cause?: unknown): SealpostError {
  return new SealpostError('syslog_failed', { detail: failure, cause })
}

/** What `syslog_failed` is about; `error` for any other error. */
export function syslogFailureOf(error: unknown): SyslogFailure | 'error' {
  const detail =
    error instanceof SealpostError && error.code === 'syslog_failed' ? error.details.detail : undefined
  return failures.find(failure => failure === detail) ?? 'error'
}
