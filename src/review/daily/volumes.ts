import type { Knex } from 'knex'
import type { Volume, Volumes } from './facts.ts'
import { shown } from './names.ts'
import { knownVolumes } from './report/store.ts'
import { countVolumes, firstEventAt, type Period } from './store.ts'
import { unusualRule } from './unusual.ts'

const msPerDay = 86_400_000
/** Whatever is below the first few thousand of a day is not unusual. */
const mostSubjects = 2_000

export async function volumesOf(knex: Knex, period: Period): Promise<Volumes> {
  const rows = await countVolumes(knex, period)
  const of = (wanted: 'application' | 'domain'): Volume[] =>
    rows
      .filter(({ kind }) => kind === wanted)
      .slice(0, mostSubjects)
      .map(({ subject, count }) => ({ subject: shown(subject ?? 'unknown'), count }))
  return { applications: of('application'), domains: of('domain') }
}

/**
 * The volumes of each of the 14 days before that the log was there: as the reports of these days have them, so that a day is
 * counted once, or else counted now.
 */
export async function volumesBefore(knex: Knex, day: Date): Promise<readonly Volumes[]> {
  const began = await firstEventAt(knex)
  if (began === undefined) return []
  const days = Array.from(
    { length: unusualRule.days },
    (_, i) => new Date(day.getTime() - (i + 1) * msPerDay),
  )
  const known = await knownVolumes(knex, days.at(-1) ?? day, day)
  const volumes: Volumes[] = []
  for (const from of days) {
    const until = new Date(from.getTime() + msPerDay)
    if (until <= began) continue
    const reported = known.get(from.toISOString().slice(0, 10)) as Volumes | undefined
    volumes.push(reported ?? (await volumesOf(knex, { from, until })))
  }
  return volumes
}
