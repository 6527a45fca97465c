import { stripMetadata } from '../../attachment-metadata/index.ts'
import type { Attachment } from './body/fields.ts'
import type { Message } from './body/parse-message.ts'
import { MessageRefused } from './body/refused.ts'
import { textOf } from './html/text-alternative.ts'

/**
 * The message as it goes out: attachments without metadata where that is asked for, and HTML with text beside it. Throws
 * `metadata_not_removable` with a pointer to each attachment that cannot be done.
 */
export function prepare(message: Message): Message {
  const { text, html, attachments } = message
  return {
    ...message,
    attachments: message.stripMetadata ? withoutMetadata(attachments) : attachments,
    text: text ?? (html && textOf(html)),
  }
}

function withoutMetadata(attachments: readonly Attachment[]): readonly Attachment[] {
  const stripped = attachments.map(({ content, filename, contentType }) =>
    stripMetadata(content, filename, contentType),
  )
  const errors = stripped.flatMap((content, i) =>
    content === undefined ? [{ pointer: `/attachments/${i}/content`, code: 'metadata_not_removable' }] : [],
  )
  if (errors.length > 0) {
    for (const content of stripped) content?.fill(0)
    throw new MessageRefused({ code: 'metadata_not_removable', errors: errors.slice(0, 50) })
  }
  return attachments.map((attachment, i) => ({
    ...attachment,
    content: stripped[i] ?? attachment.content,
  }))
}

/** Overwrites what may not be a view of the request's bytes. */
export function wipeContent({ text, html, attachments }: Message): void {
  for (const content of [text, html, ...attachments.map(attachment => attachment.content)]) content?.fill(0)
}
