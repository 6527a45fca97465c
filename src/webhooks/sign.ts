import { createHmac } from 'node:crypto'

/**
 * The header fields of one attempt by Standard Webhooks 1.0: HMAC-SHA-256 over id, time and body, one signature for each secret.
 * `id` is the same at every attempt, `at` is of this one.
 */
export function signedHeaders(
  id: string,
  at: Date,
  body: Uint8Array,
  secrets: readonly Uint8Array[],
): Readonly<Record<`webhook-${'id' | 'timestamp' | 'signature'}`, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = secrets.map(secret => {
    const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body)
    return `v1,${mac.digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
