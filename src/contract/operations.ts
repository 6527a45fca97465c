import { z } from 'zod'
import { checkReport } from './check.ts'
import { acceptedMessage, checkMessage, submitMessage } from './message.ts'
import type { ProblemCode } from './problem.ts'
import { listQuery, messageList, messageStatus } from './status.ts'
import { updateCursor } from './update.ts'

/** One thing that applications can ask for. */
export interface Operation {
  readonly method: 'get' | 'post'
  /** As OpenAPI writes it: `/v1/messages/{id}`. */
  readonly path: string
  /** A name for programs that are made from the document. */
  readonly name: string
  readonly title: string
  /** Paragraphs; words between backticks are code. */
  readonly text: readonly string[]
  readonly query?: z.ZodObject
  readonly headers?: Readonly<Record<string, z.ZodType>>
  readonly body?: BodySchema
  readonly answer: Answer
  /** What it is refused with, beside what every request can be refused with. */
  readonly refusals: readonly ProblemCode[]
}

export interface BodySchema {
  readonly json: z.ZodType
}

interface Answer {
  readonly status: 200 | 202
  readonly text: string
  readonly type: 'application/json' | 'text/event-stream' | 'text/html'
  /** Undefined: of a form that is described elsewhere. */
  readonly schema?: z.ZodType
  readonly headers?: Readonly<Record<string, string>>
}

/** What any request to anything can be answered with. */
export const refusalsAnywhere = [
  'request_refused',
  'pan_not_allowed_here',
  'internal_error',
  'stopping',
] as const satisfies readonly ProblemCode[]

const known = [
  'application_unknown',
  'too_many_requests',
  'database_unavailable',
  'audit_unavailable',
] as const satisfies readonly ProblemCode[]

const ofBodies = [
  'unsupported_media_type',
  'content_encoding_refused',
  'body_too_large',
  'body_incomplete',
  'body_too_slow',
  'invalid_json',
  'invalid_multipart',
  'sealed',
  'sealer_unavailable',
  'overloaded',
] as const satisfies readonly ProblemCode[]

/** Of the form, which a dry run refuses as well. */
const ofForms = ['invalid_message', 'header_injection'] as const satisfies readonly ProblemCode[]

const idempotencyKey = z
  .string()
  .regex(/^(?:"[ !#-[\]-~]{1,128}"|[A-Za-z0-9._~:+/=-]{1,128})$/)
  .optional()
  .meta({
    description:
      'A key of your own, new for each message (a UUID): with it, the same request can be sent again for 7 days and is still one message. 1 to 128 printable ASCII characters in double quotes.',
    examples: ['"9f4c1d1e-6a0b-4b6e-9f53-1f0f7f3a2c11"'],
  })

const lastEventId = updateCursor.optional().meta({
  description: 'The `id` of the last event that was seen: the stream goes on after it. Kept for 7 days.',
})

const stream =
  'Server-sent events: `event` is the type, `id` the place in the stream, `data` an Update as JSON. A comment line each 15 seconds shows that the stream lives.'

const reset =
  'Without `Last-Event-ID`, what happens from now on. An event `reset` instead of the first one: what came after the place given is not kept any more, so look how things stand.'

/** Everything that the API offers, in the order in which people read it. A test compares it with the routes. */
export const operations: readonly Operation[] = [
  {
    method: 'post',
    path: '/v1/messages',
    name: 'sendMessage',
    title: 'Send a message',
    text: [
      '`202` is durable: the message is committed, encrypted for each recipient, and will be delivered or end in a named failure.',
      'All recipients or none: when one of them cannot receive it, nobody is sent anything.',
      'Card numbers travel as strings, in `text`, `html` and attachments only. Verification codes, PINs and tracks are refused anywhere.',
    ],
    headers: { 'Idempotency-Key': idempotencyKey },
    body: { json: submitMessage },
    answer: {
      status: 202,
      text: 'The message is accepted.',
      type: 'application/json',
      schema: acceptedMessage,
      headers: { Location: 'Where its status is.' },
    },
    refusals: [
      ...known,
      ...ofBodies,
      ...ofForms,
      'sad_detected',
      'metadata_not_removable',
      'cards_not_allowed',
      'cards_required',
      'too_many_cards',
      'content_unreadable',
      'sender_not_allowed',
      'sending_not_approved',
      'recipients_refused',
      'invalid_idempotency_key',
      'idempotency_key_reused',
      'idempotency_in_flight',
      'outbound_gate_refused',
    ],
  },
  {
    method: 'post',
    path: '/v1/messages/check',
    name: 'checkMessage',
    title: 'Ask what would happen to a message',
    text: [
      'A dry run: the message is read and judged as if it were sent, then forgotten. Its content may be missing.',
      'What is wrong stands under `problems`, and for each recipient beside their address. What does not even have the form of a message is refused.',
      'Who was asked about is on record.',
    ],
    body: { json: checkMessage },
    answer: {
      status: 200,
      text: 'What would happen.',
      type: 'application/json',
      schema: checkReport,
    },
    refusals: [...known, ...ofBodies, ...ofForms],
  },
  {
    method: 'get',
    path: '/v1/messages',
    name: 'listMessages',
    title: 'List messages',
    text: [
      'The application’s own messages, newest first. A page can be short, even empty, and still have a `next` one: go on until it is absent.',
    ],
    query: listQuery,
    answer: { status: 200, text: 'A page of messages.', type: 'application/json', schema: messageList },
    refusals: [...known, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/v1/messages/{id}',
    name: 'messageStatus',
    title: 'See what became of a message',
    text: [
      'Each delivery has its attempts: when, to which host, how its TLS was verified, and the server’s reply. Another application’s message is `404`.',
    ],
    answer: { status: 200, text: 'Its status.', type: 'application/json', schema: messageStatus },
    refusals: [...known, 'not_found'],
  },
  {
    method: 'post',
    path: '/v1/messages/{id}/cancel',
    name: 'cancelMessage',
    title: 'Cancel a message',
    text: [
      'Ends every delivery that waits or is in quarantine, with the outcome `cancelled_by_application`. What is being sent at this moment goes on.',
    ],
    answer: {
      status: 200,
      text: 'At least one delivery was ended by this, or by a cancel before it; the status after that.',
      type: 'application/json',
      schema: messageStatus,
    },
    refusals: [...known, 'not_found', 'nothing_to_cancel'],
  },
  {
    method: 'get',
    path: '/v1/messages/{id}/evidence',
    name: 'messageEvidence',
    title: 'Get the evidence of a message',
    text: [
      'A file that proves, to whoever has the key of the audit log, what became of each delivery. Each is on record. Sixty a minute.',
    ],
    answer: { status: 200, text: 'The file.', type: 'application/json' },
    refusals: [...known, 'not_found', 'evidence_not_ready', 'evidence_incomplete', 'evidence_not_anchored'],
  },
  {
    method: 'get',
    path: '/v1/messages/{id}/updates',
    name: 'messageUpdates',
    title: 'Follow a message',
    text: [stream, 'Begins with all that is kept of the message, or after `Last-Event-ID`.'],
    headers: { 'Last-Event-ID': lastEventId },
    answer: { status: 200, text: 'The stream.', type: 'text/event-stream' },
    refusals: [...known, 'not_found', 'invalid_request'],
  },
  {
    method: 'get',
    path: '/v1/updates',
    name: 'updates',
    title: 'Follow all messages',
    text: [stream, reset],
    headers: { 'Last-Event-ID': lastEventId },
    answer: { status: 200, text: 'The stream.', type: 'text/event-stream' },
    refusals: [...known, 'invalid_request'],
  },
  {
    method: 'get',
    path: '/openapi.json',
    name: 'openapi',
    title: 'This API for programs',
    text: ['OpenAPI 3.1.'],
    answer: { status: 200, text: 'The document.', type: 'application/json' },
    refusals: [],
  },
  {
    method: 'get',
    path: '/docs',
    name: 'docs',
    title: 'This API for people',
    text: ['The same as pages, made from the same document.'],
    answer: { status: 200, text: 'A page.', type: 'text/html' },
    refusals: [],
  },
  {
    method: 'get',
    path: '/docs/errors',
    name: 'docsOfErrors',
    title: 'Every error code',
    text: ['`documentation` of a problem leads here.'],
    answer: { status: 200, text: 'A page.', type: 'text/html' },
    refusals: [],
  },
]
