import { type Findings, scanInSteps } from '../../card-data/index.ts'
import type { CardCounts } from '../protocol.ts'
import type { Message } from './body/parse-message.ts'
import { MessageRefused } from './body/refused.ts'

interface Finding {
  readonly pointer: string
  readonly code: string
}

const mostErrors = 50

/**
 * What a message holds of card data, by number and brand. Throws a {@link MessageRefused}: `sad_detected` when there is sensitive
 * authentication data anywhere (PCI DSS 3.3.1), `pan_not_allowed_here` when a card number stands where others than the
 * recipient see it, or may. Each names the places, never a value. What is large is looked through in turns with whatever else
 * this process does.
 */
export async function guardCardData(message: Message): Promise<CardCounts> {
  const sad: Finding[] = []
  const misplaced: Finding[] = []
  const rest = openRest()
  const look = async (content: Uint8Array, pointer: string): Promise<Findings> => {
    const found = await inTurns(scanInSteps(content), rest)
    for (const kind of new Set(found.sad.map(each => each.kind))) sad.push({ pointer, code: kind })
    return found
  }
  for (const [pointer, name] of namesOf(message)) {
    if (name === '') continue
    const { pans } = await look(Buffer.from(name), pointer)
    if (pans.length > 0) misplaced.push({ pointer, code: 'card_number' })
  }

  let count = 0
  const brands = new Set<string>()
  const unread: string[] = []
  for (const [pointer, content] of contentsOf(message)) {
    const found = await look(content, pointer)
    count += found.count
    for (const brand of found.brands) brands.add(brand)
    if (found.unread > 0) unread.push(pointer)
  }
  if (sad.length > 0) throw refusal('sad_detected', sad)
  if (misplaced.length > 0) throw refusal('pan_not_allowed_here', misplaced)
  return { count, brands: [...brands].toSorted(), unread }
}

type Place<Content> = readonly [pointer: string, content: Content]

/** What others than the recipient see, or may. */
function namesOf({ metadata, subject, attachments }: Message): readonly Place<string>[] {
  const { from, to, reference, replyTo } = metadata
  return [
    ['/from', from],
    ...to.map((address, i): Place<string> => [`/to/${i}`, address]),
    ['/subject', subject],
    ['/reference', reference ?? ''],
    ['/replyTo', replyTo ?? ''],
    ...attachments.map(({ filename }, i): Place<string> => [`/attachments/${i}/filename`, filename]),
  ]
}

function contentsOf({ text, html, attachments }: Message): readonly Place<Uint8Array>[] {
  return [
    ...(text === undefined ? [] : [['/text', text] as const]),
    ...(html === undefined ? [] : [['/html', html] as const]),
    ...attachments.map(({ content }, i) => [`/attachments/${i}/content`, content] as const),
  ]
}

async function inTurns<Result>(
  steps: Generator<undefined, Result>,
  rest: () => Promise<void>,
): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    await rest()
  }
}

/** Milliseconds of work between two rests. */
const longestTurn = 20

/** Lets others go first, when the last time is long enough ago. */
function openRest(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < longestTurn) return
    await new Promise(resolve => setImmediate(resolve))
    since = performance.now()
  }
}

function refusal(code: 'sad_detected' | 'pan_not_allowed_here', errors: readonly Finding[]): MessageRefused {
  return new MessageRefused({ code, errors: errors.slice(0, mostErrors) })
}
