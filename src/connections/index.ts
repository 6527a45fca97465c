/** Every connection and listener of this installation, how each is protected, and the exceptions to that. */
export { announceTunnel } from './announce.ts'
export type { Authentication, Connection, ConnectionInventory, Involved } from './connection.ts'
export { connectionsOf, type Installation } from './inventory.ts'
export { askServer, type ServerFacts } from './store.ts'
