import type { ApplicationId, WebhookId } from '../../kernel/index.ts'

/** Where applications have us tell what becomes of their messages. */
export type WebhookEvent =
  | {
      readonly type: 'webhook.added'
      readonly webhook: WebhookId
      readonly application: ApplicationId
      /** The host name it leads to; its path may be a secret. */
      readonly host: string
    }
  | {
      readonly type: 'webhook.removed' | 'webhook.secret.rotated' | 'webhook.enabled' | 'webhook.tested'
      readonly webhook: WebhookId
    }
  | {
      /** It did not take what it was told for days: it is told nothing more until somebody enables it again. */
      readonly type: 'webhook.disabled'
      readonly webhook: WebhookId
      /** How the last call failed, as a code. */
      readonly reason: string
    }
  | {
      /** One call was tried as often as there are tries, and is dropped. */
      readonly type: 'webhook.call.given_up'
      readonly webhook: WebhookId
      readonly reason: string
    }
