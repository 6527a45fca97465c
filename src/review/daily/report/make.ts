import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { operatorsWith } from '../../../access/index.ts'
import { appendEvents } from '../../../audit/index.ts'
import { type Checkpoint, latestCheckpoint } from '../../../audit-log/index.ts'
import type { Clock, NoticeId } from '../../../kernel/index.ts'
import { type NoticeSender, queueNotice } from '../../../notices/index.ts'
import { dailyReview, periodOf } from '../daily-review.ts'
import type { Expiring } from '../facts.ts'
import { renderReview } from '../render.ts'
import { noticeFields } from './notice-fields.ts'
import { findReport, insertReport, lockReports } from './store.ts'

export interface ReportingParts {
  readonly knex: Knex
  readonly clock: Clock
  readonly sender: NoticeSender
  /** Certificates, CAs and lists of this installation. */
  readonly own: () => Promise<readonly Expiring[]>
}

/**
 * Makes the report of a day, keeps it, and queues its mail to every auditor, all in one transaction with the event that tells of it;
 * false when it was made already. Of two replicas that are at it at once, one does it.
 */
export async function makeReport(parts: ReportingParts, day: string): Promise<boolean> {
  const { knex, clock, sender } = parts
  if ((await findReport(knex, day)) !== undefined) return false
  const own = await parts.own()
  const facts = await dailyReview(knex, clock, periodOf(day), { own })
  const report = renderReview(facts)
  const sha256 = createHash('sha256').update(report, 'utf8').digest('hex')
  return knex.transaction(async trx => {
    await lockReports(trx)
    if ((await findReport(trx, day)) !== undefined) return false
    const checkpoint: Checkpoint | undefined = await latestCheckpoint(trx)
    const fields = noticeFields(facts, sha256, checkpoint, sender)
    const notices: NoticeId[] = []
    for (const { id: operator, address } of await operatorsWith(trx, 'auditor')) {
      notices.push(
        await queueNotice(trx, clock, sender, { kind: 'daily_review', to: { operator, address }, fields }),
      )
    }
    await insertReport(trx, {
      day,
      at: clock.now(),
      size: facts.log.size,
      checkpoint: fields.checkpoint[0]?.size ?? null,
      facts: JSON.stringify(facts),
      report,
      sha256,
      notices,
    })
    await appendEvents(trx, clock, [
      { actor: { kind: 'gateway' }, event: { type: 'review.reported', day, sha256 } },
    ])
    return true
  })
}
