import { z } from 'zod'
import { address, code, type Told } from './words.ts'

/** Every error that this API answers with, by its stable code. A test holds it to the catalogue of the house. */
export const problemCodes = [
  'not_found',
  'method_not_allowed',
  'unsupported_media_type',
  'content_encoding_refused',
  'body_too_large',
  'body_incomplete',
  'body_too_slow',
  'invalid_json',
  'invalid_message',
  'invalid_multipart',
  'invalid_request',
  'header_injection',
  'sad_detected',
  'pan_not_allowed_here',
  'cards_not_allowed',
  'cards_required',
  'too_many_cards',
  'content_unreadable',
  'metadata_not_removable',
  'nothing_to_cancel',
  'invalid_idempotency_key',
  'idempotency_key_reused',
  'idempotency_in_flight',
  'request_refused',
  'application_unknown',
  'sender_not_allowed',
  'recipients_refused',
  'too_many_requests',
  'sending_not_approved',
  'evidence_not_ready',
  'evidence_incomplete',
  'evidence_not_anchored',
  'sealed',
  'sealer_unavailable',
  'overloaded',
  'stopping',
  'database_unavailable',
  'audit_unavailable',
  'outbound_gate_refused',
  'internal_error',
] as const
export type ProblemCode = (typeof problemCodes)[number]

/** Why one recipient of a message cannot receive it, and what can be done about it. */
export const recipientProblems = {
  recipient_unknown: told('The address is not enrolled.', 'Ask an operator to invite the recipient.'),
  recipient_not_active: told(
    'The recipient is suspended, unenrolled or not enrolled to the end.',
    'Ask an operator how the enrolment stands.',
  ),
  certificate_missing: told(
    'The recipient has no certificate.',
    'Ask the recipient to upload their public key.',
  ),
  certificate_expired: told(
    'The recipient’s certificate, or its encryption subkey, has expired.',
    'Ask the recipient to prolong it, or for a new key.',
  ),
  certificate_revoked: told('The recipient’s certificate was revoked.', 'Ask the recipient for a new key.'),
  certificate_retired: told(
    'The recipient’s certificate was replaced, and no other is in use.',
    'Ask an operator whether a new key waits for approval.',
  ),
  certificate_not_allowed: told(
    'The crypto policy in force does not allow the recipient’s certificate.',
    'Ask the recipient for a key that the policy allows.',
  ),
  attestation_missing: told(
    'What the recipient must have shown was never recorded.',
    'Ask an operator to record it.',
  ),
  attestation_lapsed: told(
    'What the recipient has shown holds no longer.',
    'Ask an operator to record what the recipient shows now.',
  ),
  destination_missing: told(
    'No rule says how the mail servers of the domain are authenticated.',
    'Ask an operator to add the domain as a destination.',
  ),
} as const
export const recipientCodes = Object.keys(recipientProblems) as readonly RecipientProblemCode[]
export type RecipientProblemCode = keyof typeof recipientProblems

/** What `errors` can say of a place in the request. */
export const faults = {
  required: 'It must be there.',
  wrong_type: 'It is of another JSON type than it must be.',
  unknown_field: 'A field stands there that does not exist.',
  no_content: 'There is neither text nor HTML nor an attachment.',
  malformed: 'It does not have the required form.',
  past: 'The time is over already.',
  duplicate: 'It stands there twice.',
  too_long: 'It is too long.',
  too_many: 'There are too many.',
  control_character: 'It holds a control character.',
  null_character: 'It holds the character NUL.',
  encoding: 'The body is not UTF-8.',
  syntax: 'The body, or a part of it, does not have its syntax.',
  duplicate_key: 'An object has a key twice.',
  lone_surrogate: 'A text holds half of a surrogate pair.',
  too_deep: 'The body is nested too deeply.',
  too_many_values: 'The body has too many values.',
  card_number: 'It holds a card number.',
  content_unreadable: 'It cannot be looked into.',
  metadata_not_removable: 'Its metadata cannot be removed.',
  message_first: 'The part `message` must come first, and once.',
  content_type: 'The part `message` must be application/json.',
  unknown_part: 'A part is neither `message` nor `attachment`.',
  header_too_long: 'The header of a part is too long.',
  duplicate_header: 'A part has a header twice.',
  transfer_encoding: 'A part is encoded: send it as it is.',
  truncated: 'The body ends before its last boundary.',
  card_verification_code: 'It holds a card verification code.',
  pin: 'It holds a PIN.',
  pin_block: 'It holds a PIN block.',
  track_1: 'It holds track 1 of a magnetic stripe.',
  track_2: 'It holds track 2 of a magnetic stripe.',
  emv_track: 'It holds a track as a chip says it.',
} as const

/** An error (RFC 9457). It never repeats a value that was sent, but for addresses of refused recipients. */
export const problem = z.object({
  type: z.string().regex(/^urn:sealpost:error:[a-z][a-z0-9_]*$/),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: 'What can be done about it.' }),
  instance: z
    .string()
    .regex(/^urn:uuid:[0-9a-f-]{36}$/)
    .meta({ description: 'Names this occurrence in our log.' }),
  code: code.meta({ description: 'Stable. New ones may come; `status` and `retryable` say what to do.' }),
  retryable: z.boolean().meta({ description: 'Whether the same request can succeed later, unchanged.' }),
  documentation: z.string().meta({ format: 'uri-reference', description: 'Where the code is explained.' }),
  errors: z
    .array(z.object({ pointer: z.string(), code }))
    .optional()
    .meta({ description: 'What is wrong, and where in the request (RFC 6901). Never a value.' }),
  recipients: z
    .array(z.object({ address, code }))
    .optional()
    .meta({ description: 'Who cannot receive the message, and why.' }),
})
export type Problem = Told<typeof problem>

function told<const Title extends string, const Remedy extends string>(title: Title, remedy: Remedy) {
  return { title, remedy }
}
