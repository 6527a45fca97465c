import type { CatalogueEntry } from '../src/audit/catalogue/entry.ts'
import { pciRows } from '../src/audit/catalogue/entry.ts'
import { type AuditEventType, catalogue } from '../src/audit/index.ts'
import { type Area, type Field, type Group, readEventSources, type Shape } from './audit-events-source.ts'
import { fieldWords } from './audit-events-words.ts'

/** PCI DSS 4.0.1, 10.2.2: what each entry must say, and the member of an event that says it. */
export const pciFields = [
  ['User identification', 'actor'],
  ['Type of event', 'type'],
  ['Date and time', 'at'],
  ['Success and failure indication', 'result'],
  ['Origination of event', 'from'],
  [
    'Identity or name of affected data, system component, resource, or service (for example, name and protocol)',
    'the fields of the type: ids, fingerprints, names',
  ],
] as const

/** Which types answer a row of PCI DSS 10.2.1, in the order of the catalogue. */
export function typesOf(row: string): readonly string[] {
  return entries()
    .filter(([, { pci }]) => pci.some(answered => answered === row))
    .map(([type]) => type)
}

/** docs/audit-events.md: the catalogue and the declarations of the types; its text stands here. */
export function auditEventsPage(note: string): string {
  const { areas, shapes } = readEventSources()
  return `${note}

# Events of the audit log

Every effect, every refusal and every read of the log is an event of one of these ${entries().length} types; there are no others. How events
become leaves of a log that others can check is told in [audit-log.md](audit-log.md). There is no free text: a field is an
id, a code, a digest, a number, a time or a bounded technical name. What looks like card data, in whatever script or grouping, is
refused with its effect before it is written (\`src/audit/canonical.ts\`), and an alarm is raised.

## What every event holds

| Member | Form | Meaning |
| --- | --- | --- |
| \`id\` | \`evt_\` and 26 characters | of this event |
| \`type\` | a type below | |
| \`at\` | RFC 3339, UTC, milliseconds | when, by the clock of the replica; in which order, says the number of the leaf |
| \`actor\` | object | who: see below |
| \`from\` | object, may be absent | where from: \`listener\` (\`api\`, \`console\`, \`public\`, \`ops\`, or \`host\` for the command line) and \`address\`, the client's IP address. The command line has no address. Absent: nothing outside asked for it, as with an attempt to deliver or what the clock brings; and in events older than the field |
| \`result\` | \`success\` or \`failure\` | by type; absent in events older than the field |
| \`salt\` | 32 hex digits | random, so that nobody can guess an event from its hash |

\`actor.kind\` is \`application\`, \`operator\` or \`recipient\` with an \`id\`; \`host\`: somebody with the command line; \`gateway\`: the
program by itself; \`peer\`: somebody unknown, by \`address\`. A recipient is whoever holds the link that was mailed to them.

**What anybody can cause without end is counted.** The first refusal of its kind, listener, actor and network (/24, or /48 of IPv6) is an event at
once. What follows is told once a minute, with \`count\` and \`since\`; \`address\` is then the network, when there were several addresses. Beyond 256
of them at a time, networks are not told apart any more. Nothing is left out, but for the counts of at most one minute when a
replica is killed. So are counted: \`connection.refused\`, \`client.refused\`, and \`request.refused\` of whoever is unknown, or with a
code that says nothing of who asked (404, 405, 413, 415, 429, 503).

**What leaves no event:** a start that fails before the database is reached, such as one with wrong settings (it is in the log of the program and in the exit code);
requests for health; and successful reads in the console other than those of the log and of evidence.

## PCI DSS 4.0.1, 10.2.1 and 10.2.2

| Row | What it asks for | Types |
| --- | --- | --- |
${Object.entries(pciRows)
  .map(([row, asks]) => `| ${row} | ${asks} | ${typesOf(row).map(link).join(', ')} |`)
  .join('\n')}

| 10.2.2 asks for | Member |
| --- | --- |
${pciFields.map(([asks, member]) => `| ${asks} | ${member.includes(' ') ? member : `\`${member}\``} |`).join('\n')}

## The types

*OCSF* is the class and activity of the Open Cybersecurity Schema Framework 1.x that fits best. A field with \`?\` may be absent.

${areas.map(areaText).join('\n\n')}

## Parts that types share

${shapes.map(shapeText).join('\n\n')}
`
}

function entries(): readonly (readonly [AuditEventType, CatalogueEntry])[] {
  return Object.entries(catalogue) as [AuditEventType, CatalogueEntry][]
}

function areaText({ words, groups, file }: Area): string {
  const name = file.replace('.ts', '')
  const title = `### ${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return [title, ...(words === undefined ? [] : [words]), ...groups.map(groupText)].join('\n\n')
}

function groupText({ types, words, fields }: Group): string {
  const rows = types.map(type => {
    const { means, result, ocsf, pci } = catalogue[type as AuditEventType]
    const name = ocsf === null ? '' : `${ocsf.class}: ${ocsf.activity}`
    return `| <a id="${type}"></a>\`${type}\` | ${means} | ${result} | ${name} | ${pci.join(', ')} |`
  })
  const head = '| Type | Meaning | Result | OCSF | PCI |\n| --- | --- | --- | --- | --- |'
  const parts = [`${head}\n${rows.join('\n')}`]
  if (words !== undefined) parts.push(words)
  if (fields.length > 0) parts.push(fieldTable(fields))
  return parts.join('\n\n')
}

function shapeText({ name, words, fields }: Shape): string {
  const parts = [`### <a id="${name}"></a>\`${name}\``]
  if (words !== undefined) parts.push(words)
  return [...parts, fieldTable(fields)].join('\n\n')
}

function fieldTable(fields: readonly Field[]): string {
  const rows = fields.map(field => {
    const type = field.type.replaceAll('|', '\\|')
    return `| \`${field.name}${field.optional ? '?' : ''}\` | \`${type}\` | ${wordsOfField(field) ?? ''} |`
  })
  return `| Field | Form | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}`
}

/** Its docstring, or what a field of this name is everywhere. */
export function wordsOfField({ name, words }: Field): string | undefined {
  const last = name.split('.').at(-1)?.replace('[]', '') ?? name
  return words ?? fieldWords[last]
}

function link(type: string): string {
  return `[${type}](#${type})`
}
