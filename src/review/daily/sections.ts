import type { Happenings, Unusual } from './facts.ts'
import { inert } from './inert.ts'
import { moment, number, table } from './markdown.ts'
import { unusualRule } from './unusual.ts'

export function happeningsSection(title: string, { list, more }: Happenings): string {
  return `## ${title}

${table(
  ['Time', 'Event', 'Who', 'About'],
  list.map(({ at, type, who, about }) => [moment(at), inert(type), inert(who), about.map(inert).join(' ')]),
)}${more > 0 ? `\n\nAnd ${number(more)} more: see the log.` : ''}`
}

export function alarmSection(alarms: Happenings): string {
  return happeningsSection('Alarms', alarms)
}

export function unusualSection({ days, applications, domains }: Unusual): string {
  const { days: most, fewestDays, least, factor } = unusualRule
  const rule = `Unusual is more than ${factor} times the median of the ${most} days before, or less than a third of it; what is under ${least} on
both sides is not looked at. A day without any counts as 0. A sender that rests at weekends shows as less on them.`
  const rows = [
    ...applications.map(volume => ['messages of application', volume] as const),
    ...domains.map(volume => ['deliveries to domain', volume] as const),
  ]
  const found =
    days < fewestDays
      ? `The log knows only ${days} of these days, so nothing was compared.`
      : table(
          ['What', 'Of', 'Count', 'Median', 'Is'],
          rows.map(([what, { subject, count, median, is }]) => [
            what,
            inert(subject),
            number(count),
            String(median),
            is,
          ]),
        )
  return `## Unusual volumes\n\n${rule}\n\n${found}`
}
