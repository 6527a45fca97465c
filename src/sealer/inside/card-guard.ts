import { scan } from '../../card-data/index.ts'
import type { CardCounts } from '../protocol.ts'
import { MessageRefused } from './body/refused.ts'
import type { Message } from './parse-message.ts'

interface Finding {
  readonly pointer: string
  readonly code: string
}

const mostErrors = 50

/**
 * What a message holds of card data, by number and brand. Throws a {@link MessageRefused}: `sad_detected` when there is sensitive
 * authentication data anywhere (PCI DSS 3.3.1), `pan_not_allowed_here` when a card number stands where others than the
 * recipient see it, or may. Each names the places, never a value.
 */
export function guardCardData({ metadata, subject, text, html, attachments }: Message): CardCounts {
  const { from, to, reference, replyTo } = metadata
  const sad: Finding[] = []
  const misplaced: Finding[] = []
  const look = (content: Uint8Array, pointer: string) => {
    const found = scan(content)
    for (const kind of new Set(found.sad.map(each => each.kind))) sad.push({ pointer, code: kind })
    return found
  }
  const names = [
    ['/from', from],
    ...to.map((address, i) => [`/to/${i}`, address] as const),
    ['/subject', subject],
    ['/reference', reference ?? ''],
    ['/replyTo', replyTo ?? ''],
    ...attachments.map(({ filename }, i) => [`/attachments/${i}/filename`, filename] as const),
  ] as const
  for (const [pointer, name] of names) {
    if (name !== '' && look(Buffer.from(name), pointer).pans.length > 0)
      misplaced.push({ pointer, code: 'card_number' })
  }

  let count = 0
  const brands = new Set<string>()
  const unread: string[] = []
  const lookAtContent = (content: Uint8Array, pointer: string): void => {
    const found = look(content, pointer)
    count += found.pans.length
    for (const { brand } of found.pans) brands.add(brand)
    if (found.unread > 0) unread.push(pointer)
  }
  if (text !== undefined) lookAtContent(text, '/text')
  if (html !== undefined) lookAtContent(html, '/html')
  for (const [i, { content }] of attachments.entries()) lookAtContent(content, `/attachments/${i}/content`)
  if (sad.length > 0) throw refusal('sad_detected', sad)
  if (misplaced.length > 0) throw refusal('pan_not_allowed_here', misplaced)
  return { count, brands: [...brands].toSorted(), unread }
}

function refusal(code: 'sad_detected' | 'pan_not_allowed_here', errors: readonly Finding[]): MessageRefused {
  return new MessageRefused({ code, errors: errors.slice(0, mostErrors) })
}
