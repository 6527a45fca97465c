export { checkStillUsable } from './recheck.ts'
export {
  type Resolution,
  type ResolvedRecipient,
  resolveRecipients,
} from './resolve.ts'
export type { Pin } from './store.ts'
