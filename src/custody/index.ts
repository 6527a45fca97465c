export {
  type DkimKeyRecord,
  type DkimSigningKey,
  dkimRecord,
  initDkimKey,
  listDkimKeys,
  retireCurrentDkimKey,
} from './dkim.ts'
export { type LogKeyRecord, listLogKeys } from './log-key.ts'
export {
  initSigningKey,
  type OpenedSigningKey,
  openSigningKey,
  ownAddress,
  ownCertificate,
} from './signing-key.ts'
export { type OpenedKeys, unsealFor } from './unseal.ts'
export {
  type MakeWebhookSecret,
  type OpenWebhookSecret,
  openWebhookSecretMaker,
} from './webhook-secret.ts'
export type { Wrapped } from './wrap.ts'
