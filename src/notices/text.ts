import type { Fields, ValuesOf } from './field.ts'
import { fill, isForOperators, type NoticeFields, type NoticeKind, stopTokenOf } from './notice.ts'
import type { NoticeSender } from './sender.ts'
import { linkTo } from './template.ts'

export interface NoticeText {
  readonly subject: string
  /** Lines of at most 72 characters where words allow, with LF. */
  readonly text: string
}

/** The words of a notice. Throws when a field is not what its template takes. */
export function noticeText(kind: NoticeKind, fields: unknown, sender: NoticeSender): NoticeText {
  const filled = fill(kind, fields)
  if (!('template' in filled)) throw new TypeError(`notice ${kind}: ${filled.join(', ')}`)
  const { template, values } = filled
  const paragraphs = [...template.lines(values, sender), ...ending(kind, values, sender)]
  return { subject: template.subject, text: `${paragraphs.map(wrap).join('\n\n')}\n` }
}

/** The words of a possession challenge, for the sealer to encrypt to the proposed certificate. */
export function challengeText(fields: NoticeFields<'possession'>, sender: NoticeSender): NoticeText {
  return noticeText('possession', fields, sender)
}

function ending(kind: NoticeKind, values: ValuesOf<Fields>, sender: NoticeSender): string[] {
  const { organisation } = sender
  if (isForOperators(kind)) {
    return [
      `-- \nSealpost, the secure mail gateway of ${organisation}. You get this because you are one of its operators.`,
    ]
  }
  const token = stopTokenOf(values)
  return [
    ...(token === undefined
      ? []
      : [
          'Was this not you, do you not know what it is about, or may somebody else have your private key? This page stops the use of your key at once:',
          linkTo(sender, 'stop', token),
        ]),
    `-- \nSealpost, the secure mail gateway of ${organisation}. You get this because your address was registered to receive confidential messages from ${organisation}. Nobody reads answers to this address.`,
  ]
}

/** Breaks at spaces, so that no mail program has to. A word is never broken: it may be a link. */
function wrap(paragraph: string): string {
  return paragraph
    .split('\n')
    .map(line => {
      // The mark of a signature of mails, and the signature line of a note (C2SP signed-note), which is one line.
      if (line === '-- ' || line.startsWith('\u2014 ')) return line
      const lines: string[] = []
      let current = ''
      for (const word of line.split(' ')) {
        if (current !== '' && current.length + 1 + word.length > 72) {
          lines.push(current)
          current = word
        } else current = current === '' ? word : `${current} ${word}`
      }
      return [...lines, current].join('\n')
    })
    .join('\n')
}
