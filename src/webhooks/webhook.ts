import type { ApplicationId, WebhookId } from '../kernel/index.ts'

/** Where an application is told what becomes of its messages. */
export interface Webhook {
  readonly id: WebhookId
  readonly application: ApplicationId
  readonly url: string
  readonly createdAt: Date
  /** Of its last call; null: there was none. */
  readonly calledAt: Date | null
  /** What that was answered; null: nothing. */
  readonly lastStatus: number | null
  /** Why it failed, as a code; null: it did not. */
  readonly lastFailure: string | null
  /** Since when no call succeeded. */
  readonly failingSince: Date | null
  readonly disabledAt: Date | null
}

export interface WebhookSummary extends Webhook {
  /** The application's name. */
  readonly name: string
  /** Calls that wait to be made. */
  readonly waiting: number
}
