import { SealpostError } from '../../kernel/index.ts'

/** Why messages are not known to have arrived. */
export type SyslogFailure =
  | 'connect_failed'
  /** The receiver did not prove who it is, or does not speak TLS by the profile. */
  | 'not_authenticated'
  /** By a TLS alert: it does not want our certificate, for one. */
  | 'refused_by_receiver'
  | 'connection_lost'
  /** It said something; a receiver has nothing to say (RFC 5425). */
  | 'spoke'
  | 'timed_out'
  /** It ended the connection without a sign that it had read everything. */
  | 'not_confirmed'

export function syslogFailed(failure: SyslogFailure, cause?: unknown): SealpostError {
  return new SealpostError('syslog_failed', { detail: failure, cause })
}
