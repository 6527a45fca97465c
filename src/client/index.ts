/** The client for applications, in TypeScript, on Node alone. docs/client.md shows how it is used. */
export type { OutgoingAttachment, OutgoingMessage } from './body.ts'
export {
  createSealpostClient,
  type ListOptions,
  type RequestOptions,
  type SealpostClient,
  type SealpostClientOptions,
  type SendOptions,
} from './client.ts'
export { type LocalCode, SealpostApiError } from './error.ts'
export type * from './types.ts'
export type { PlacedUpdate, UpdatesOptions } from './updates.ts'
export { verifyWebhook, type WebhookHeaders, type WebhookOptions } from './webhook.ts'
