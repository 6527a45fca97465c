import { Command } from 'commander'
import type { Knex } from 'knex'
import { recordEvent } from '../../../audit/index.ts'
import { SealpostError, systemClock } from '../../../kernel/index.ts'
import {
  dailyReview,
  dayOf,
  findReport,
  periodOf,
  type ReviewFacts,
  renderReview,
} from '../../../review/index.ts'
import { inert, print, printJson } from '../../output.ts'
import { withReader } from '../../with-owner.ts'

interface ReviewOptions {
  readonly day?: string
  readonly json?: true
}

/** `audit review`: the report of a day, as it was made for the auditors, or else as it would be made now (docs/review.md). */
export function auditReviewCommand(): Command {
  return new Command('review')
    .description('the daily review of the audit log: what happened on a day, as Markdown')
    .option('--day <YYYY-MM-DD>', 'the day, UTC (default: yesterday)')
    .option('--json', 'the facts of the report as JSON')
    .action(async ({ day = yesterday(), json }: ReviewOptions) => {
      assertDay(day)
      const { facts, report } = await withReader(async knex => {
        const review = await reviewOf(knex, day)
        await recordRead(knex, review.facts)
        return review
      })
      if (json) printJson(facts)
      // The very bytes of the report, whose SHA-256 is in the log: what could move a cursor was made inert when it was made.
      else for (const line of report.trimEnd().split('\n')) print(inert(line))
    })
}

async function reviewOf(knex: Knex, day: string): Promise<{ facts: ReviewFacts; report: string }> {
  const made = await findReport(knex, day)
  if (made !== undefined) return { facts: JSON.parse(made.facts) as ReviewFacts, report: made.report }
  const facts = await dailyReview(knex, systemClock, periodOf(day))
  return { facts, report: renderReview(facts) }
}

/** A report tells what stands in the log: whoever reads it reads the log. */
async function recordRead(knex: Knex, { from, until, events }: ReviewFacts): Promise<void> {
  const count = events.reduce((sum, { count: each }) => sum + each, 0)
  const event = { type: 'audit.read', filters: { from, until }, count } as const
  await recordEvent(knex, systemClock, { kind: 'host' }, event)
}

function yesterday(): string {
  return dayOf(new Date(systemClock.now().getTime() - 86_400_000))
}

/** Throws `usage` unless it is a day of the calendar that has begun. */
function assertDay(day: string): void {
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? new Date(`${day}T00:00:00Z`) : new Date(Number.NaN)
  if (Number.isNaN(at.getTime()) || dayOf(at) !== day || at > systemClock.now()) {
    throw new SealpostError('usage', { detail: '--day takes a day that has begun, as YYYY-MM-DD' })
  }
}
