export {
  type DkimKeyRecord,
  type DkimSigningKey,
  dkimRecord,
  initDkimKey,
  listDkimKeys,
  retireCurrentDkimKey,
} from './dkim.ts'
export { type LogKeyRecord, listLogKeys } from './log-key.ts'
export { initSigningKey, type OpenedSigningKey, openSigningKey } from './signing-key.ts'
export { type OpenedKeys, unsealFor } from './unseal.ts'
