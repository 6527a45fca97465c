export { cardDataOf, withheldIfCard } from './card-free.ts'
export { inBatches } from './in-batches.ts'
export { type LogEvent, type LogFields, type Logger, openLogger } from './logger/index.ts'
export { type Network, peerGuard } from './peer-guard.ts'
export type { DatabaseSource } from './postgres/connection.ts'
export { type Database, type DatabaseOptions, openDatabase } from './postgres/database.ts'
export { type DatabaseRole, type EmbeddedPostgres, startEmbeddedPostgres } from './postgres/embedded.ts'
export {
  isForeignKeyViolation,
  isInsufficientPrivilege,
  isUniqueViolation,
  PostgresError,
} from './postgres/errors.ts'
export { assertSchemaCurrent, migrate } from './postgres/migrate.ts'
export { deliverQueue, openQueue } from './postgres/queue.ts'
export { tunnelInForce } from './postgres/tunnel.ts'
export { scrub } from './scrub.ts'
export { assertSafeEnvironment, softCoreLimit } from './tls/environment.ts'
export { clientTlsOptions, serverTlsOptions } from './tls/profile.ts'
