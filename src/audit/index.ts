export { type AlarmCode, alarmCatalogue } from './alarms/catalogue.ts'
export { type ActiveAlarm, type Alarms, type OpenedAlarms, openAlarms } from './alarms/open.ts'
export { alarmsInLog } from './alarms/standing.ts'
export { type ClockWatch, clockTolerance, watchClock } from './alarms/watch-clock.ts'
export { watchLog } from './alarms/watch-log.ts'
export { type AuditEntry, appendEvents, recomputeHash, recordEvent } from './append.ts'
export type { CatalogueEntry } from './catalogue/entry.ts'
export { type DestinationEvent, destinationEvents } from './destinations.ts'
export { catalogue } from './events/catalogue.ts'
export {
  type Actor,
  type AuditEvent,
  type AuditEventType,
  type TlsEvidence,
  type TlsLevel,
  tlsLevels,
} from './events/index.ts'
export { recordMigrations } from './migrations.ts'
export { currentOrigin, type Origin, withOrigin } from './origin.ts'
export { isRecorded, markRecorded } from './recorded.ts'
export { databaseTime } from './store.ts'
