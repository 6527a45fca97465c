export { cancelMessage } from './cancel.ts'
export { type Check, type CheckedMessage, openCheck } from './check.ts'
export { openForgetting } from './idempotency.ts'
export {
  type ListFilter,
  type ListPoint,
  listMessages,
  type MessagePage,
} from './list/list.ts'
export { type MessageStatus, messageStatus } from './status.ts'
export { type AcceptedMessage, openIntake, type Submit, type SubmitRequest } from './submit.ts'
