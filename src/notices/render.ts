import type { Address } from '../kernel/index.ts'
import { displayName, quotedPrintable } from './encode.ts'
import type { NoticeKind } from './notice.ts'
import { type NoticeSender, readSender } from './sender.ts'
import { noticeText } from './text.ts'

declare const brand: unique symbol

/** A finished notice: 7-bit, CRLF, before dot-stuffing. Only {@link renderNotice} makes one; `delivery` sends nothing else in clear. */
export type NoticeMail = Uint8Array & { readonly [brand]: 'NoticeMail' }

/** What was fixed when the notice was queued. */
export interface NoticeOuter {
  readonly from: Address
  readonly to: Address
  /** As RFC 5322 writes it. */
  readonly date: string
  /** With its angle brackets. */
  readonly messageId: string
}

/**
 * The mail of a notice. A pure function: a retry sends the same bytes. Throws a `TypeError` when a field is not what
 * the template takes, or a header would not be one.
 */
export function renderNotice(
  kind: NoticeKind,
  fields: unknown,
  sender: NoticeSender,
  outer: NoticeOuter,
): NoticeMail {
  const us = readSender(sender)
  if (!('from' in us)) throw new TypeError(`notice sender: ${us.join(', ')}`)
  const { subject, text } = noticeText(kind, fields, us)
  const ascii = /^[\n\x20-\x7e]*$/.test(text)
  const head = [
    header('From', `${displayName(us.organisation)} <${outer.from}>`),
    header('To', outer.to),
    header('Date', outer.date),
    header('Message-ID', outer.messageId),
    header('Subject', subject),
    header('MIME-Version', '1.0'),
    header('Content-Type', `text/plain; charset=${ascii ? 'us-ascii' : 'utf-8'}`),
    header('Content-Transfer-Encoding', ascii ? '7bit' : 'quoted-printable'),
    header('Content-Language', 'en'),
    // RFC 3834: no out-of-office answers.
    header('Auto-Submitted', 'auto-generated'),
  ]
  const body = ascii ? text.replaceAll('\n', '\r\n') : quotedPrintable(text)
  return Buffer.from(`${head.join('')}\r\n${body}`, 'latin1') as Uint8Array as NoticeMail
}

/** One header field. Printable ASCII, broken only where a folded line goes on with a space: nothing can start another. */
function header(name: string, value: string): string {
  if (!/^[\x20-\x7e]+(?:\r\n [\x20-\x7e]+)*$/.test(value)) throw new TypeError(`header ${name}`)
  return `${name}: ${value}\r\n`
}
