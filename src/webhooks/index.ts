import { randomInt } from 'node:crypto'
import { type Caller, type CallerOptions, startCaller } from './calls/caller.ts'

export type { Caller } from './calls/caller.ts'
export {
  addWebhook,
  callOutcome,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateSecret,
  type Secreted,
  testWebhook,
} from './manage.ts'
export { anyWebhook } from './store.ts'
export type { Webhook, WebhookSummary } from './webhook.ts'

/** Starts to call webhooks, with real chance. */
export function openCaller(options: Omit<CallerOptions, 'random'>): Caller {
  return startCaller({ random: () => randomInt(2 ** 32) / 2 ** 32, ...options })
}
