import type { ReviewFacts } from './facts.ts'
import { inert } from './inert.ts'
import { bullets, moment, number, table } from './markdown.ts'
import { alarmSection, happeningsSection, unusualSection } from './sections.ts'

/** The report of a day as Markdown, from its facts alone: the same facts give the same bytes. */
export function renderReview(facts: ReviewFacts): string {
  const sections = [
    heading(facts),
    attention(facts),
    volumes(facts),
    refusals(facts),
    unusualSection(facts.unusual),
    happeningsSection('Keys and custody', facts.keys),
    happeningsSection('People, applications, recipients, destinations', facts.people),
    access(facts),
    pending(facts),
    expiring(facts),
    alarmSection(facts.alarms),
    log(facts),
    counts(facts),
  ]
  return `${sections.join('\n\n')}\n`
}

function heading({ day, from, until, madeAt }: ReviewFacts): string {
  return `# Review of ${day}

What the audit log holds from ${moment(from)} to ${moment(until)}, made ${moment(madeAt)}. Times are UTC. What others chose,
such as names and domains, stands in code spans.`
}

/** What somebody has to look at, first; one line each. */
function attentionOf(facts: ReviewFacts): readonly string[] {
  const { unusual, expiring, pending: waiting, log: state, late } = facts
  const one = (count: number, words: string) => (count > 0 ? [`${words}: ${number(count)}`] : [])
  const total = (of: readonly { readonly count: number }[]) => of.reduce((sum, { count }) => sum + count, 0)
  const ended = (type: string) => total(facts.outcomes.filter(outcome => outcome.type === type))
  return [
    ...one(alarmsOf(facts), 'Alarms or suspicions'),
    ...one(total(facts.refusals), 'Refusals'),
    ...one(ended('delivery.failed'), 'Deliveries that failed'),
    ...one(ended('delivery.quarantined'), 'Deliveries that went into quarantine'),
    ...one(unusual.applications.length + unusual.domains.length, 'Unusual volumes'),
    ...one(waiting.length, 'Changes that wait for a second person'),
    ...one(expiring.list.length + expiring.more, 'Things that end within 30 days, or have ended'),
    ...one(total(late?.events ?? []), 'Events that came later than the report of their day'),
    ...one(
      state.anchors.filter(({ state: is }) => is !== null && is !== 'well').length,
      'Anchors that are not well',
    ),
    ...(state.checkpoint === null ? ['The log has no checkpoint yet.'] : []),
  ]
}

/** Alarms and suspicions of the day; that one is over is none. */
export function alarmsOf({ alarms: { list, more } }: ReviewFacts): number {
  return list.filter(({ type }) => type !== 'alarm.cleared' && type !== 'anchor.recovered').length + more
}

function attention(facts: ReviewFacts): string {
  const lines = attentionOf(facts)
  return `## To look at\n\n${lines.length === 0 ? 'Nothing.' : bullets(lines)}`
}

function volumes({ accepted, outcomes }: ReviewFacts): string {
  return `## Messages and deliveries

${number(accepted.messages)} messages were accepted, for ${number(accepted.deliveries)} deliveries.

${table(
  ['Event', 'Outcome', 'Count'],
  outcomes.map(({ type, outcome, count }) => [inert(type), inert(outcome), number(count)]),
)}`
}

function refusals({ refusals: refused }: ReviewFacts): string {
  return `## Refusals

${table(
  ['Event', 'Code', 'Who', 'Count'],
  refused.map(({ type, code, who, count }) => [inert(type), inert(code), inert(who), number(count)]),
)}`
}

function access({ signIns, reads }: ReviewFacts): string {
  const rows = (of: ReviewFacts['reads']) =>
    of.map(({ type, who, count }) => [inert(type), inert(who), number(count)])
  return `## Sign-ins, and reads and exports of the log

${table(['Event', 'Who', 'Count'], [...rows(signIns), ...rows(reads)])}`
}

function pending({ pending: waiting }: ReviewFacts): string {
  return `## Changes that wait for a second person

${table(
  ['Asked', 'Kind', 'About', 'By', 'Until'],
  waiting.map(({ askedAt, kind, subject, askedBy, expiresAt }) => [
    moment(askedAt),
    inert(kind),
    inert(subject),
    inert(askedBy),
    moment(expiresAt),
  ]),
)}`
}

function expiring({ expiring: { list, more, ownKnown } }: ReviewFacts): string {
  const own = ownKnown ? '' : '\n\nThe certificates of this installation itself were not looked at.'
  return `## What ends within 30 days

${table(
  ['Ends', 'What', 'Of'],
  list.map(({ endsAt, what, about }) => [moment(endsAt), what, inert(about)]),
)}${more > 0 ? `\n\nAnd ${number(more)} more.` : ''}${own}`
}

function log({ log: { size, checkpoint, waiting, anchors, archive }, late }: ReviewFacts): string {
  const lines = [
    checkpoint === null
      ? 'There is no checkpoint yet.'
      : `Last checkpoint: ${number(size)} events, ${moment(checkpoint.at)}, root ${inert(checkpoint.root)}.`,
    `Events that were not yet in the log: ${number(waiting)}.`,
    ...anchors.map(({ anchor, size: known, at, state }) =>
      known === null || at === null
        ? `Anchor ${inert(anchor)}: no checkpoint yet${state === null ? '' : `, ${inert(state)}`}.`
        : `Anchor ${inert(anchor)}: ${number(known)} events, ${moment(at)}${state === null ? '' : `, ${inert(state)}`}.`,
    ),
    ...(anchors.length === 0 ? ['No anchor has a checkpoint.'] : []),
    archive === null
      ? 'Nothing was archived yet.'
      : `Last archive: the first ${number(archive.next)} events, ${moment(archive.at)}.`,
    ...(late === null
      ? []
      : late.events.length === 0
        ? [`Nothing came late: since the report of ${late.after}, no event has a time of before this day.`]
        : late.events.map(
            ({ type, count }) =>
              `Came after the report of ${late.after}, with a time of before this day: ${number(count)} ${inert(type)}.`,
          )),
  ]
  return `## The log\n\n${bullets(lines)}`
}

function counts({ events }: ReviewFacts): string {
  return `## All events of the day

${table(
  ['Event', 'Result', 'Count'],
  events.map(({ type, result, count }) => [inert(type), result, number(count)]),
)}`
}
