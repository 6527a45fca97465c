import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { Clock, WebhookId } from '../kernel/index.ts'
import { keyEncryptionKeyBy } from './signing-key.ts'
import { openUnwrap, type Wrapped, wrap } from './wrap.ts'

/** Opens the secrets of webhooks, and nothing else. Throws when one was altered, or is another webhook's. */
export type OpenWebhookSecret = (webhook: WebhookId, wrapped: Wrapped) => Buffer

/** Makes secrets that calls of a webhook are signed by. */
export type MakeWebhookSecret = (webhook: WebhookId) => {
  /** As its receiver has it: `whsec_` and base64 (Standard Webhooks). Shown once. */
  readonly text: string
  readonly wrapped: Wrapped
}

/**
 * By the passphrase of the gateway's keys, which wraps these secrets, too. Throws `key_missing` before `custody init`,
 * `passphrase_wrong`.
 */
export async function openWebhookSecretMaker(
  knex: Knex,
  clock: Clock,
  passphrase: string,
): Promise<MakeWebhookSecret> {
  const keyEncryptionKey = await keyEncryptionKeyBy(knex, clock, passphrase)
  return webhook => {
    const secret = randomBytes(32)
    const wrapped = wrap(secret, keyEncryptionKey, 'webhook', about(webhook))
    const text = `whsec_${secret.toString('base64')}`
    secret.fill(0)
    return { text, wrapped }
  }
}

export function openWebhookSecrets(keyEncryptionKey: Uint8Array): OpenWebhookSecret {
  const unwrap = openUnwrap(keyEncryptionKey, 'webhook')
  return (webhook, wrapped) => unwrap(wrapped, about(webhook))
}

function about(webhook: WebhookId): string {
  return JSON.stringify(['webhook', webhook])
}
