export {
  type CheckedRecipient,
  type CheckProblem,
  type CheckReport,
  checkedRecipient,
  checkProblem,
  checkReport,
} from './check.ts'
export {
  type AcceptedMessage,
  type Attachment,
  acceptedMessage,
  attachment,
  type CheckMessage,
  checkMessage,
  type SubmitMessage,
  submitMessage,
} from './message.ts'
export {
  type OpenApi,
  type OperationObject,
  openApiDocument,
  type Parameter,
  type Refusal,
  type Response,
} from './openapi.ts'
export { type Operation, operations, refusalsAnywhere } from './operations.ts'
export {
  faults,
  type Problem,
  type ProblemCode,
  problem,
  problemCodes,
  type RecipientProblemCode,
  recipientCodes,
  recipientProblems,
} from './problem.ts'
export type { JsonSchema } from './schemas.ts'
export {
  type Attempt,
  attempt,
  type DeliveryState,
  type DeliveryStatus,
  type DeliverySummary,
  deliveryState,
  deliveryStatus,
  deliverySummary,
  type ListQuery,
  listQuery,
  type MessageList,
  type MessageState,
  type MessageStatus,
  type MessageSummary,
  messageList,
  messageState,
  messageStatus,
  messageSummary,
  type TlsVerdict,
  tlsVerdict,
} from './status.ts'
export {
  type Update,
  type UpdateType,
  update,
  updateCursor,
  updateTypes,
  type WebhookPayload,
  type WebhookTest,
  webhookPayload,
  webhookTest,
} from './update.ts'
