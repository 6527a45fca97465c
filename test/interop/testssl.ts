import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attempt, openWorkplace } from './run.ts'

/** One line of testssl.sh's report. */
export interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

/** How bad testssl.sh finds it, in its words. `WARN` is said of a test that could not be made. */
const aboveLow = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL']

/**
 * What testssl.sh finds at a port of this host; `tests` are its own switches. It asks nobody but the server. Throws when it
 * made no report.
 */
export async function scan(
  port: number,
  caPem: string,
  tests: readonly string[],
): Promise<readonly Finding[]> {
  await using place = await openWorkplace()
  const report = join(place.path, 'report.json')
  const ca = await place.file('ca.pem', caPem)
  const options = ['--quiet', '--color', '0', '--warnings', 'off', '--ip', 'one', '--add-ca', ca]
  const patience = ['--connect-timeout', '20', '--openssl-timeout', '20']
  const args = [...options, ...patience, '--jsonfile', report, ...tests, `localhost:${port}`]
  const { output, complaint } = await attempt('testssl', args, undefined, 280_000)
  const text = await readFile(report, 'utf8').catch(() => '')
  try {
    return JSON.parse(text) as Finding[]
  } catch {
    throw new Error(`testssl.sh made no report: ${output.toString()} ${complaint}`)
  }
}

export function worseThanLow(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ severity }) => aboveLow.includes(severity))
}
