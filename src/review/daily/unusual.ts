import type { Unusual, UnusualVolume, Volume, Volumes } from './facts.ts'

/** The rule, as the report states it. */
export const unusualRule = { days: 14, fewestDays: 3, least: 20, factor: 3 } as const

/**
 * Where the volume of a day is more than three times the median of the 14 days before, or less than a third of it; what is under 20
 * on both sides is not looked at. A day without any counts as 0.
 *
 * @param before the volumes of each of these days that the log knows
 */
export function unusualVolumes(today: Volumes, before: readonly Volumes[]): Unusual {
  const days = before.length
  if (days < unusualRule.fewestDays) return { days, applications: [], domains: [] }
  return {
    days,
    applications: compare(
      today.applications,
      before.map(({ applications }) => applications),
    ),
    domains: compare(
      today.domains,
      before.map(({ domains }) => domains),
    ),
  }
}

function compare(today: readonly Volume[], before: readonly (readonly Volume[])[]): UnusualVolume[] {
  const counts = before.map(day => new Map(day.map(({ subject, count }) => [subject, count])))
  const now = new Map(today.map(({ subject, count }) => [subject, count]))
  const subjects = new Set([...now.keys(), ...counts.flatMap(day => [...day.keys()])])
  const { least, factor } = unusualRule
  return [...subjects].sort().flatMap((subject): UnusualVolume[] => {
    const count = now.get(subject) ?? 0
    const median = medianOf(counts.map(day => day.get(subject) ?? 0))
    if (count >= least && count > factor * median) return [{ subject, count, median, is: 'more' }]
    if (median >= least && count * factor < median) return [{ subject, count, median, is: 'less' }]
    return []
  })
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? 0
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper
}
