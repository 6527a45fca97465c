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
  loadServeConfig,
  type Network,
  type NoticeConfig,
  type Role,
  type Secrets,
} from './load.ts'
export { type Setting, settings } from './settings.ts'
