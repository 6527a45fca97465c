import type { CardRule } from '../access/index.ts'
import { SealpostError } from '../kernel/index.ts'
import type { CardCounts } from '../sealer/host/index.ts'

/**
 * Whether an application may send a message with these card numbers. Throws `content_unreadable`, with the places,
 * `cards_not_allowed`, `cards_required`, `too_many_cards`.
 */
export function judgeCards({ cards, maxCards, unreadable }: CardRule, { count, unread }: CardCounts): void {
  if (unread.length > 0 && !unreadable) {
    throw new SealpostError('content_unreadable', {
      errors: unread.map(pointer => ({ pointer, code: 'content_unreadable' })),
    })
  }
  if (cards === 'forbidden' && count > 0) throw new SealpostError('cards_not_allowed')
  // What cannot be looked into may hold them.
  if (cards === 'required' && count === 0 && unread.length === 0) throw new SealpostError('cards_required')
  if (maxCards !== null && count > maxCards) throw new SealpostError('too_many_cards')
}
