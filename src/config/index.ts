export type { AnchorsConfig, AnchorsSecrets } from './anchors.ts'
export type { DatabaseConfig, TunnelException } from './database.ts'
export type { Exposure } from './listeners.ts'
export {
  type Config,
  type Listen,
  type LogLevel,
  listenerFiles,
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
export type { SyslogConfig, SyslogSecrets } from './syslog.ts'
