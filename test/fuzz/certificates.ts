import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fuzzCertificates } from './fuzz.ts'

/** `npm run fuzz:certificates -- --seconds 600 --seed 7`: mutated certificates until the time is over. */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string' } },
})
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)
const report = await fuzzCertificates({ seed, seconds: Number(values.seconds) })
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
if (report.findings.length > 0) process.exitCode = 1
