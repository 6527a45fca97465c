import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { brandOf } from '../src/card-data/brands.ts'
import { scan } from '../src/card-data/index.ts'
import { corpus, negatives, panForms, sadForms } from '../test/support/card-corpus.ts'

// `npm run bench:scan [-- --each N]`: recall and precision on a generated corpus, and speed. Prints the tables of docs/card-data.md.
const at = process.argv.indexOf('--each')
const each = at < 0 ? 2000 : Number(process.argv[at + 1])

interface Row {
  cases: number
  found: number
  byChance: number
}

const rows = new Map<string, Row>()
for (const { form, content, expect } of corpus(20261121, each)) {
  const { pans, sad } = scan(content)
  const row = rows.get(form) ?? { cases: 0, found: 0, byChance: 0 }
  rows.set(form, row)
  row.cases++
  if (expect === 'pan' ? pans.length > 0 : expect === 'sad' ? sad.length > 0 : pans.length + sad.length > 0)
    row.found++
  if (expect === 'nothing' && pans.length + sad.length > 0 && fits(content.toString('latin1'))) row.byChance++
}

/** Whether a number in one piece has range, length and check digit of a card: nothing but its meaning tells it from one. */
function fits(text: string): boolean {
  return [...text.matchAll(/(?<!\d)\d{12,19}(?!\d)/g)].some(
    ([digits]) => brandOf(Uint8Array.from(digits, Number), 0, digits.length) !== undefined,
  )
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`
const print = (line: string): boolean => process.stdout.write(`${line}\n`)

function table(
  title: string,
  forms: readonly string[],
  head: string,
  cells: (row: Row) => readonly string[],
): void {
  const all = forms.map(form => [form, rows.get(form) ?? { cases: 0, found: 0, byChance: 0 }] as const)
  const sum = { cases: 0, found: 0, byChance: 0 }
  for (const [, row] of all) for (const key of ['cases', 'found', 'byChance'] as const) sum[key] += row[key]
  print(`\n| ${title} | cases | ${head} |\n| --- | ---: ${'| ---: '.repeat(head.split('|').length)}|`)
  for (const [form, row] of [...all, ['**all**', sum] as const])
    print(`| ${form} | ${row.cases} | ${cells(row).join(' | ')} |`)
}

table('A card number', Object.keys(panForms), 'found', row => [percent(row.found, row.cases)])
table('Sensitive authentication data', Object.keys(sadForms), 'found', row => [percent(row.found, row.cases)])
table(
  'No card data',
  Object.keys(negatives),
  'taken for it | of these, range and check digit fit by chance',
  row => [percent(row.found, row.cases), percent(row.byChance, row.cases)],
)

const texts: Readonly<Record<string, string>> = {
  'plain text':
    'Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor 2026-11-21 order 12345. ',
  'a table of numbers': '17;Doe, Jane;2026-11-21;1234.50;DE;00123456\n',
  'a table of card numbers': '17;4111111111111111;12/29;12.50\n',
}
print('\n| Text of 16 MB | MB/s |\n| --- | ---: |')
for (const [name, unit] of Object.entries(texts)) {
  const content = Buffer.from(unit.repeat(Math.ceil(16e6 / unit.length)))
  scan(content.subarray(0, 1e6))
  const best = Math.min(
    ...Array.from({ length: 5 }, () => {
      const began = performance.now()
      scan(content)
      return performance.now() - began
    }),
  )
  print(`| ${name} | ${Math.round(content.length / 1000 / best)} |`)
}

// What costs most, and everything that a text can be read as at once; twice the length shows whether time is in proportion.
const card = '4111111111111111 '
const hostile: Readonly<Record<string, string>> = {
  'card numbers': card,
  'tracks of cards': '%B4111111111111111^',
  'labels and digits': 'cvv 123 ',
  'digits and spaces': '4 ',
  'digits and dashes': '4-1-1-1-',
  'percent escapes': '%34',
  'escapes of programs': '\\u0034',
  'quoted-printable': '=34',
  'base64 of cards': 'NDExMTExMTExMTExMTExMQ==\n',
  'encoded words': '=?utf-8?B?NDEx?=',
  'encoded words, not ended': '=?utf-8?q?',
  'tags, not ended': '<a ',
  'comments, not ended': '<!--',
  references: '&#52;',
  'card numbers, read in every way': `${card.repeat(40)}<p> %34 =34=34=34 =?`,
}
print('\n| 1 MB made to take long | ms | 2 MB |\n| --- | ---: | ---: |')
for (const [name, unit] of Object.entries(hostile)) {
  const [one, two] = [1e6, 2e6].map(size => {
    const content = Buffer.from(unit.repeat(Math.ceil(size / unit.length)))
    return Math.min(...Array.from({ length: 8 }, () => cpuTimeOf(() => scan(content))))
  })
  print(`| ${name} | ${Math.round(one ?? 0)} | ${Math.round(two ?? 0)} |`)
}

/** Milliseconds of this process's processor time: others on the machine do not count. */
function cpuTimeOf(task: () => unknown): number {
  const began = process.cpuUsage()
  task()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000
}
