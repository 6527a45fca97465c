export type { DatabaseConfig, TunnelException } from './database.ts'
export type { Exposure } from './listeners.ts'
export {
  type Config,
  type Listen,
  listenerFiles,
  type LogLevel,
  loadConsoleUrl,
  loadMailHost,
  loadNoticeConfig,
  loadOwnerDatabase,
  loadReaderDatabase,
  loadServeConfig,
  type NoticeConfig,
  type Role,
  type Secrets,
  secretFiles,
} from './load.ts'
export { loadRouting, type Network, type RoutingConfig, type RoutingSecrets } from './routing.ts'
export { type Setting, settings } from './settings.ts'
