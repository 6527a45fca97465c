import type { Knex } from 'knex'
import { catalogue } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Expiring, ReviewFacts, Unusual } from './facts.ts'
import { happenings } from './happenings.ts'
import { type Names, readNames, shown, whoOf } from './names.ts'
import { reportBefore } from './report/store.ts'
import { endingWithin, logState, pending } from './standing/standing.ts'
import { countByActor, countLate, countOutcomes, countTypes, type Period } from './store.ts'
import { countedByActor, isRefusal, listedTypes, outcomeTypes } from './types.ts'
import { unusualVolumes } from './unusual.ts'
import { volumesBefore, volumesOf } from './volumes.ts'

export interface ReviewOptions {
  /** Until when what ends is told of, in days after the report is made. Default: 30. */
  readonly expiringDays?: number
  /** Certificates, CAs and lists of this installation, with their ends; undefined: not known here. */
  readonly own?: readonly Expiring[] | undefined
}

const msPerDay = 86_400_000

/** The day of a time, YYYY-MM-DD, UTC. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}

export function periodOf(day: string): Period {
  const from = new Date(`${day}T00:00:00Z`)
  return { from, until: new Date(from.getTime() + msPerDay) }
}

/**
 * What a review of one day has to look at (PCI DSS 10.4.1.1), from the log; and what waits or ends, as it is now. Reads only. A day
 * is a day of the events' own times: what came later with an earlier time stands in the next report under `late`.
 */
export async function dailyReview(
  knex: Knex,
  clock: Clock,
  period: Period,
  options: ReviewOptions = {},
): Promise<ReviewFacts> {
  const { from, until } = period
  const day = dayOf(from)
  const madeAt = clock.now()
  const names = await readNames(knex)
  const types = await countTypes(knex, period)
  const events = types.map(({ type, count }) => ({ type, result: resultOf(type), count }))
  const refused = events.filter(({ type, result }) => result === 'failure' && isRefusal(type))
  const outcomes = await countOutcomes(knex, period, outcomeTypes)
  const volumes = await volumesOf(knex, period)
  const before = await volumesBefore(knex, from)
  const sum = (numbers: readonly { readonly count: number }[]) =>
    numbers.reduce((total, { count }) => total + count, 0)
  return {
    day,
    from: from.toISOString(),
    until: until.toISOString(),
    madeAt: madeAt.toISOString(),
    events,
    late: await lateEvents(knex, day, from),
    accepted: { messages: sum(volumes.applications), deliveries: sum(volumes.domains) },
    outcomes: outcomes.map(({ type, outcome, count }) => ({ type, outcome: shown(outcome), count })),
    refusals: (
      await byActor(
        knex,
        period,
        names,
        refused.map(({ type }) => type),
      )
    ).map(({ type, code, who, count }) => ({ type, code: shown(code ?? ''), who, count })),
    volumes,
    unusual: withNames(unusualVolumes(volumes, before), names),
    keys: await happenings(knex, period, names, listedTypes.keys),
    people: await happenings(knex, period, names, listedTypes.people),
    signIns: (await byActor(knex, period, names, countedByActor.signIns)).map(withoutCode),
    reads: (await byActor(knex, period, names, countedByActor.reads)).map(withoutCode),
    alarms: await happenings(knex, period, names, listedTypes.alarms),
    pending: await pending(knex, madeAt),
    expiring: await endingWithin(knex, madeAt, options),
    log: await logState(knex),
  }
}

/** Of a type that this version does not know, written by a newer one: it is counted, as what nobody has to worry about. */
function resultOf(type: string): 'success' | 'failure' {
  return Object.hasOwn(catalogue, type) ? catalogue[type as keyof typeof catalogue].result : 'success'
}

async function lateEvents(knex: Knex, day: string, from: Date): Promise<ReviewFacts['late']> {
  const last = await reportBefore(knex, day)
  return last === undefined ? null : { after: last.day, events: await countLate(knex, last.size, from) }
}

async function byActor(knex: Knex, period: Period, names: Names, types: readonly string[]) {
  const rows = await countByActor(knex, period, types)
  return rows.map(({ type, code, count, ...actor }) => ({ type, code, count, who: whoOf(actor, names) }))
}

function withNames(unusual: Unusual, { applications }: Names): Unusual {
  return {
    ...unusual,
    applications: unusual.applications.map(volume => ({
      ...volume,
      subject: applications.get(volume.subject) ?? volume.subject,
    })),
  }
}

function withoutCode({ type, who, count }: { type: string; who: string; count: number }) {
  return { type, who, count }
}
