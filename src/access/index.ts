export {
  addApplication,
  listApplications,
  maySendFrom,
  openIdentification,
  revokeApplication,
} from './applications.ts'
export { type ClientIdentity, type ClientRefusal, identifyClient } from './client-certificate.ts'
export type { Application } from './store.ts'
