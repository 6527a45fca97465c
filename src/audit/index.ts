export { type AuditEntry, appendEvents, recomputeHash, recordEvent } from './append.ts'
export type { Actor, AuditEvent, AuditEventType, TlsEvidence } from './event.ts'
