import type { Checkpoint } from '../../../audit-log/index.ts'
import type { NoticeFields, NoticeSender } from '../../../notices/index.ts'
import type { ReviewFacts } from '../facts.ts'
import { alarmsOf } from '../render.ts'

/** The numbers of a report, for its mail. */
export function noticeFields(
  facts: ReviewFacts,
  sha256: string,
  checkpoint: Checkpoint | undefined,
  sender: NoticeSender,
): NoticeFields<'daily_review'> {
  const total = (of: readonly { readonly count: number }[]) => of.reduce((sum, { count }) => sum + count, 0)
  const ended = (type: string) => total(facts.outcomes.filter(outcome => outcome.type === type))
  const { unusual, expiring, late } = facts
  return {
    day: new Date(facts.from),
    events: total(facts.events),
    messages: facts.accepted.messages,
    delivered: ended('delivery.delivered'),
    failed: ended('delivery.failed'),
    quarantined: ended('delivery.quarantined'),
    refused: total(facts.refusals),
    unusual: unusual.applications.length + unusual.domains.length,
    alarms: alarmsOf(facts),
    pending: facts.pending.length,
    ending: expiring.list.length + expiring.more,
    late: total(late?.events ?? []),
    report: sha256,
    checkpoint: checkpoint === undefined ? [] : checkpointFields(checkpoint, sender),
  }
}

/**
 * A checkpoint in the parts that the mail puts together again; none when the mail would not have the very note, as when the mail host
 * was renamed since.
 */
function checkpointFields(
  { size, root: hash, note }: Checkpoint,
  { mailHost }: NoticeSender,
): NoticeFields<'daily_review'>['checkpoint'] {
  const origin = `${mailHost}/audit-log`
  const root = hash.toString('base64')
  const signature = note.trimEnd().split(' ').at(-1) ?? ''
  const same = note === `${origin}\n${size}\n${root}\n\n\u2014 ${origin} ${signature}\n`
  return same ? [{ size, root, signature }] : []
}
