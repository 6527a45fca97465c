export type { DatabaseConfig } from './database.ts'
export {
  type Config,
  type Listen,
  type LogLevel,
  loadMailHost,
  loadOwnerDatabase,
  loadServeConfig,
  type Network,
  type Role,
  type Secrets,
} from './load.ts'
export { type Setting, settings } from './settings.ts'
