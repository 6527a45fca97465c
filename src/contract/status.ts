import { z } from 'zod'
import { address, code, deliveryId, digest, instant, messageId, reference, type Told, time } from './words.ts'

export const messageState = z.enum(['queued', 'delivered', 'failed', 'partly_delivered']).meta({
  description: '`queued` until every delivery is settled.',
})
export type MessageState = Told<typeof messageState>

export const deliveryState = z.enum(['queued', 'sending', 'quarantined', 'delivered', 'failed']).meta({
  description:
    '`quarantined`: it waits for an operator, until its time is over. Settled: `delivered`, `failed`.',
})
export type DeliveryState = Told<typeof deliveryState>

const outcome = code.meta({
  description:
    'Of the last attempt; when settled, why. New ones may come; `state` says whether it is settled.',
})

/** How the mail server of an attempt was authenticated. */
export const tlsVerdict = z
  .object({
    rule: z.enum(['dane', 'pinned', 'mta_sts', 'secure']),
    asked: z.enum(['auto', 'pinned', 'secure', 'relay']).optional(),
    version: z.string(),
    cipher: z.string(),
    group: z.string().nullable(),
    certificateSha256: digest,
    chainSha256: z.array(digest).max(8).optional(),
    tlsa: z.string().optional(),
    stsPolicy: z.string().optional(),
    revocation: z.enum(['good', 'stale', 'unknown', 'not_applicable']).optional(),
    requireTls: z.boolean().optional(),
  })
  .meta({ description: 'How the server of an attempt was authenticated.' })
export type TlsVerdict = Told<typeof tlsVerdict>

export const attempt = z
  .object({
    number: z.int().min(1),
    startedAt: time,
    finishedAt: time,
    outcome: code,
    host: z.string().optional(),
    address: z.string().optional(),
    port: z.int().min(1).max(65_535).optional(),
    tls: tlsVerdict.optional(),
    replyCode: z.int().min(200).max(599).optional(),
    reply: z.string().optional().meta({
      description: 'The server’s words, bounded and escaped, without what looks like a card number.',
    }),
  })
  .meta({ description: 'One SMTP session for a delivery.' })
export type Attempt = Told<typeof attempt>

const deliveryFields = {
  id: deliveryId,
  recipient: address,
  state: deliveryState,
  outcome: outcome.optional(),
  nextAttemptAt: time.optional(),
  settledAt: time.optional(),
}

export const deliverySummary = z.object(deliveryFields)
export type DeliverySummary = Told<typeof deliverySummary>

export const deliveryStatus = z.object({ ...deliveryFields, attempts: z.array(attempt) })
export type DeliveryStatus = Told<typeof deliveryStatus>

const messageFields = {
  id: messageId,
  state: messageState,
  from: address,
  reference: reference.optional(),
  acceptedAt: time,
  expiresAt: time.optional(),
}

/** The answer to `GET /v1/messages/{id}` and to a cancellation. What is absent is left out. */
export const messageStatus = z.object({ ...messageFields, deliveries: z.array(deliveryStatus) })
export type MessageStatus = Told<typeof messageStatus>

export const messageSummary = z
  .object({ ...messageFields, deliveries: z.array(deliverySummary) })
  .meta({ description: 'A message without the attempts of its deliveries.' })
export type MessageSummary = Told<typeof messageSummary>

/** The answer to `GET /v1/messages`. */
export const messageList = z.object({
  messages: z.array(messageSummary).max(100).meta({ description: 'Newest first.' }),
  next: z.string().optional().meta({
    description:
      'The `cursor` of the next page. Absent at the end. A page can be short, even empty, and still have a next one.',
  }),
})
export type MessageList = Told<typeof messageList>

/** The query of `GET /v1/messages`, each value as it stands in a URL. */
export const listQuery = z.strictObject({
  state: messageState.optional(),
  reference: reference.optional(),
  recipient: address.optional().meta({ description: 'Messages with a delivery to this address.' }),
  from: address.optional().meta({ description: 'Messages from this address.' }),
  since: instant.optional().meta({ description: 'Accepted at or after.' }),
  until: instant.optional().meta({ description: 'Accepted before.' }),
  limit: z
    .string()
    .regex(/^(?:[1-9][0-9]?|100)$/)
    .transform(Number)
    .default(25)
    .meta({
      as: { type: 'integer', minimum: 1, maximum: 100, default: 25 },
      description: '25 unless given.',
    }),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_.~-]{1,256}$/)
    .optional()
    .meta({ description: '`next` of the page before. Says nothing to anybody else.' }),
})
export type ListQuery = Told<typeof listQuery>
