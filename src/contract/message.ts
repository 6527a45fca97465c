import { z } from 'zod'
import { address, deliveryId, instant, messageId, reference, type Told } from './words.ts'

/** C0, DEL, C1, line and paragraph separators, and the controls that reorder text on a screen. */
const line = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/

const subject = z.string().max(998).regex(line).refine(isWellFormed).meta({
  description: 'No control characters. Travels encrypted; outside stands `[...]`. No card data.',
})

/** What is longer is an attachment. */
const maxBody = 4 * 1024 * 1024

const body = z
  .string()
  .max(maxBody)
  .regex(/^[^\u0000]*$/)
  .refine(text => isWellFormed(text) && new TextEncoder().encode(text).length <= maxBody)

export const attachment = z.strictObject({
  filename: z
    .string()
    .min(1)
    .max(255)
    .regex(line)
    .regex(/^(?!\.{1,2}$)[^/\\]+$/)
    .refine(isWellFormed)
    .meta({ description: 'A name without a path. Travels encrypted. No card data.' }),
  contentType: z
    .string()
    .max(127)
    .regex(
      /^(?![Mm][Ee][Ss][Ss][Aa][Gg][Ee]\/|[Mm][Uu][Ll][Tt][Ii][Pp][Aa][Rr][Tt]\/)[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,62}$/,
    )
    .meta({ description: 'A media type without parameters; not `message/*` or `multipart/*`.' }),
  content: z
    .string()
    // No stray bits under the padding (RFC 4648 section 3.5): one content has one form. A group that repeats would need a
    // stack as deep as the content is long.
    .regex(/^[A-Za-z0-9+/]*(?:[AQgw]==|[AEIMQUYcgkosw048]=)?$/)
    .refine(text => text.length % 4 === 0)
    .meta({ contentEncoding: 'base64', description: 'Base64 with padding, without line breaks.' }),
})

const envelope = {
  from: address.meta({ description: 'An address that the application may write from.' }),
  to: z
    .array(address)
    .min(1)
    .max(50)
    .refine(addresses => new Set(addresses).size === addresses.length)
    .meta({
      uniqueItems: true,
      description: 'Enrolled addresses. Each gets a message of its own and sees no other.',
    }),
  subject,
  text: body
    .optional()
    .meta({ description: 'The message as plain text, up to 4 MiB in UTF-8. May hold card numbers.' }),
  html: body.optional().meta({
    description:
      'The message as HTML, up to 4 MiB in UTF-8. May hold card numbers. Without `text`, a text alternative is made of it.',
  }),
  attachments: z.array(attachment).max(100).optional(),
  reference: reference.optional(),
  replyTo: address.optional().meta({
    description:
      'Where answers go: an address that the application may write from. Travels encrypted. Absent: `from`.',
  }),
  expiresAt: instant.optional().meta({
    description:
      'After this nothing of the message is sent any more; what is still waiting ends as `expired`.',
  }),
  stripMetadata: z.boolean().optional().meta({
    description:
      'Whether metadata is removed from attachments: authors, places, cameras, histories. Absent: false.',
  }),
}

const content = ['text', 'html', 'attachments'] as const

/** The body of `POST /v1/messages`. The parser in the sealer decides; a test holds both to the same verdict. */
export const submitMessage = z
  .strictObject(envelope)
  .refine(
    ({ text, html, attachments = [] }) => text !== undefined || html !== undefined || attachments.length > 0,
  )
  .meta({
    description: 'A message with something in it: text, HTML or an attachment.',
    examples: [
      {
        from: 'settlement@payments.example',
        to: ['disputes@acquirer.example'],
        subject: 'Chargeback 2026-1147',
        text: 'Card 4111 1111 1111 1111',
        attachments: [{ filename: 'cases.csv', contentType: 'text/csv', content: 'Y2FyZA==' }],
        reference: 'chargeback-1147',
      },
    ],
    anyOf: content.map(name => ({
      required: [name],
      ...(name === 'attachments' ? { properties: { attachments: { minItems: 1 } } } : {}),
    })),
  })
export type SubmitMessage = Told<typeof submitMessage>
export type Attachment = Told<typeof attachment>

/** The body of `POST /v1/messages/check`: the content may be missing. */
export const checkMessage = z.strictObject(envelope).meta({
  description: 'A message as it would be sent, with or without its content.',
})
export type CheckMessage = Told<typeof checkMessage>

/** The answer to an accepted message: it is durable, and this is its name. */
export const acceptedMessage = z.object({
  id: messageId,
  deliveries: z
    .array(z.object({ id: deliveryId, recipient: address }))
    .min(1)
    .max(50)
    .meta({ description: 'One for each recipient, in the order of `to`.' }),
})
export type AcceptedMessage = Told<typeof acceptedMessage>

/** Half of a surrogate pair has no form in UTF-8. */
function isWellFormed(text: string): boolean {
  return text.isWellFormed()
}
