import { createHmac, timingSafeEqual } from 'node:crypto'
import { SealpostApiError } from './error.ts'
import type { WebhookPayload } from './types.ts'
import { parse } from './wire.ts'

/** Of Node's `IncomingMessage`, of Express, or of `fetch`. */
export type WebhookHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | { get(name: string): string | null }

export interface WebhookOptions {
  /** Seconds that a call may be old, or ahead of the clock. Default 300. */
  readonly tolerance?: number
  /** Default: the present. */
  readonly now?: Date
}

/**
 * What a webhook call says, once its signature is proved (https://www.standardwebhooks.com). Give it the octets of the body as they
 * came, before anything parses them, and every secret in use: while one is rotated there are two. Throws
 * {@link SealpostApiError} with code `webhook_refused`.
 *
 * A call can come twice: its header `webhook-id` is the same then.
 */
export function verifyWebhook(
  headers: WebhookHeaders,
  body: string | Uint8Array,
  secrets: string | readonly string[],
  { tolerance = 300, now = new Date() }: WebhookOptions = {},
): WebhookPayload {
  const id = headerOf(headers, 'webhook-id')
  const timestamp = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature').split(' ')
  if (id === '' || !/^[0-9]{1,12}$/.test(timestamp)) throw new SealpostApiError('webhook_refused')
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > tolerance)
    throw new SealpostApiError('webhook_refused')
  const octets = Buffer.from(body as Uint8Array)
  const genuine = [secrets].flat().some(secret => {
    const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(octets).digest()
    return signatures.some(given => isSame(given, mac))
  })
  if (!genuine) throw new SealpostApiError('webhook_refused')
  return parse(octets.toString('utf8'))
}

function keyOf(secret: string): Buffer {
  const [, text = ''] = /^whsec_([A-Za-z0-9+/]{32,}={0,2})$/.exec(secret) ?? []
  // Without this, an empty setting would be a key that everybody knows.
  if (text === '')
    throw new TypeError('A webhook secret begins with whsec_ and has at least 24 octets of base64.')
  return Buffer.from(text, 'base64')
}

function isSame(given: string, mac: Buffer): boolean {
  const octets = given.startsWith('v1,') ? Buffer.from(given.slice(3), 'base64') : Buffer.alloc(0)
  return octets.length === mac.length && timingSafeEqual(octets, mac)
}

function headerOf(headers: WebhookHeaders, name: string): string {
  if (typeof headers.get === 'function') return headers.get(name) ?? ''
  const value = (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name]
  return typeof value === 'string' ? value : ''
}
