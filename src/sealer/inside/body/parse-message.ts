import type { Address } from '../../../kernel/index.ts'
import type { MessageMetadata } from '../../protocol.ts'
import { type AttachedPart, type Attachment, Fields, maxAttachments } from './fields.ts'
import { type Json, JsonRefused, parseJson } from './json.ts'
import { MessageRefused } from './refused.ts'

/** A message as submitted. Bodies are views of the request's bytes: wiping those wipes these. */
export interface Message {
  readonly metadata: MessageMetadata
  readonly subject: string
  /** UTF-8. */
  readonly text: Uint8Array | undefined
  /** UTF-8. */
  readonly html: Uint8Array | undefined
  readonly attachments: readonly Attachment[]
  /** Whether attachments go without what programs wrote into them about people, places and themselves. */
  readonly stripMetadata: boolean
}

/**
 * Parses the JSON of `POST /v1/messages`. Throws {@link MessageRefused}. `bytes` is overwritten: unescaped (see `json.ts`), and
 * attachments decoded. Unknown fields are refused at their parent's pointer, because the name of a field is a value, too.
 * Without content it is a message only if that is `optional`.
 */
export function parseMessage(bytes: Uint8Array, content: 'required' | 'optional' = 'required'): Message {
  const fields = new Fields()
  const root = fields.object(json(bytes), '', rootFields)
  const from = fields.address(root, 'from', '')
  const to = fields.recipients(root)
  const subject = fields.subject(root)
  const text = fields.body(root, 'text')
  const html = fields.body(root, 'html')
  const attachments = fields.attachments(root)
  const reference = fields.reference(root)
  const replyTo = root.has('replyTo') ? fields.address(root, 'replyTo', '') : undefined
  const expiresAt = fields.time(root, 'expiresAt')
  const stripMetadata = fields.flag(root, 'stripMetadata')
  const empty = !root.has('text') && !root.has('html') && attachments.length === 0
  if (empty && content === 'required') fields.refuse('', 'no_content')
  fields.throwIfRefused()
  const metadata = { from: from as Address, to, reference, replyTo, expiresAt }
  return { metadata, subject, text, html, attachments, stripMetadata }
}

/** The message with attachments that came beside it, behind those in its JSON. Throws as `parseMessage`. */
export function withAttachments(
  message: Message,
  parts: readonly AttachedPart[],
  content: 'required' | 'optional',
): Message {
  const { text, html, attachments } = message
  const fields = new Fields()
  const all = [...attachments, ...parts.map((part, i) => fields.part(part, attachments.length + i))]
  if (all.length > maxAttachments) fields.refuse('/attachments', 'too_many')
  const empty = text === undefined && html === undefined && all.length === 0
  if (empty && content === 'required') fields.refuse('', 'no_content')
  fields.throwIfRefused()
  return { ...message, attachments: all }
}

const rootFields = [
  'from',
  'to',
  'subject',
  'text',
  'html',
  'attachments',
  'reference',
  'replyTo',
  'expiresAt',
  'stripMetadata',
]

function json(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes)
  } catch (error) {
    if (!(error instanceof JsonRefused)) throw error
    throw new MessageRefused({ code: 'invalid_json', errors: [{ pointer: '', code: error.code }] })
  }
}
