import { z } from 'zod'
import { deliveryState, messageState } from './status.ts'
import { address, code, deliveryId, messageId, reference, type Told, time } from './words.ts'

/** What can become of a delivery. `deferred`: an attempt failed for now. `released`: out of quarantine, it goes on. */
export const updateTypes = [
  'delivery.delivered',
  'delivery.failed',
  'delivery.deferred',
  'delivery.quarantined',
  'delivery.released',
] as const
export type UpdateType = (typeof updateTypes)[number]

/** One change of one delivery: the `data:` of a server-sent event and the body of a webhook. */
export const update = z
  .object({
    type: z.enum(updateTypes),
    timestamp: time.meta({ description: 'When it happened.' }),
    data: z.object({
      message: messageId,
      reference: reference.optional(),
      state: messageState,
      delivery: z.object({
        id: deliveryId,
        recipient: address,
        state: deliveryState,
        outcome: code.optional(),
      }),
    }),
  })
  .meta({ description: 'One change of one delivery.' })
export type Update = Told<typeof update>

/** What the test button and `sealpost webhook test` send. */
export const webhookTest = z
  .object({
    type: z.literal('webhook.test'),
    timestamp: time,
    data: z.object({ webhook: z.string().regex(/^whk_[0-9a-hjkmnp-tv-z]{26}$/) }),
  })
  .meta({ description: 'Says that a webhook works. Nothing happened.' })
export type WebhookTest = Told<typeof webhookTest>

/** Everything a webhook can be sent. */
export const webhookPayload = z.discriminatedUnion('type', [update, webhookTest])
export type WebhookPayload = Told<typeof webhookPayload>

/** A place in the stream: the `id:` of a server-sent event, for `Last-Event-ID`. */
export const updateCursor = z.string().regex(/^[a-j]{1,20}-[a-j]{1,19}$/)
