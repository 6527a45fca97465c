export { type AuditEntry, appendEvents, recomputeHash, recordEvent } from './append.ts'
export { type DestinationEvent, destinationEvents } from './destinations.ts'
export {
  type Actor,
  type AuditEvent,
  type AuditEventType,
  type TlsEvidence,
  type TlsLevel,
  tlsLevels,
} from './events/index.ts'
