import { spawnSync } from 'node:child_process'

/**
 * `npm run bench:audit [-- --events N] [section…]`: every number that is promised of the audit log, each section in a process of
 * its own. Default: all sections, 5 million events.
 */
const [first, second, ...rest] = process.argv.slice(2)
const events = first === '--events' ? Number(second) : 5_000_000
const wanted = first === '--events' ? rest : process.argv.slice(2)

const sections = {
  sequencing: [String(events)],
  accept: [],
  // Five events for each delivery.
  search: [String(Math.ceil(events / 5))],
  review: [String(Math.ceil(events / 5))],
} as const satisfies Record<string, readonly string[]>

for (const [name, args] of Object.entries(sections)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stdout.write(`\n${name}\n`)
  const { status } = spawnSync(process.execPath, [`${import.meta.dirname}/audit/${name}.ts`, ...args], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}
