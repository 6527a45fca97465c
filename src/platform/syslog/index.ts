/** Syslog over TLS: the form (RFC 5424) and the transport (RFC 5425), sending side. */
export type { SyslogReceiver } from './authenticate.ts'
export { openSyslog, type SyslogConnection } from './connection.ts'
export { type SyslogFailure, syslogFailureOf } from './failure.ts'
export { formatMessage, type Severity, type SyslogMessage, type SyslogSender } from './format.ts'
