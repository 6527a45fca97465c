import { Command } from 'commander'
import { checksOf, examine, type Finding } from '../../doctor/index.ts'
import { systemClock } from '../../kernel/index.ts'
import { inert, print, printJson } from '../output.ts'
import { probeDestinations } from '../probe-destinations.ts'
import { withReader } from '../with-owner.ts'

/** `doctor`: looks at the whole installation from where the gateway runs. Exit 0, or 2 when something fails. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this installation: host, settings, certificates, database, policy, DNS')
    .option('--destinations', 'also probe the mail servers of every domain that has a rule, without sending')
    .option('--json', 'answer as JSON')
    .action(async ({ json, destinations }: { json?: true; destinations?: true }) => {
      const host = { env: process.env, execArgv: process.execArgv, node: process.versions.node }
      const { checks, close } = checksOf(host, systemClock)
      const probed = destinations ? await withReader(probeDestinations) : []
      const findings = await examine([...checks, ...probed]).finally(close)
      const sound = findings.every(({ verdict }) => verdict !== 'fail')
      if (json) printJson({ ok: sound, findings })
      else for (const finding of findings) for (const line of describe(finding)) print(inert(line))
      if (!sound) process.exitCode = 2
    })
}

function describe(finding: Finding): readonly string[] {
  const { verdict, check, found } = finding
  const line = `${verdict.padEnd(4)}  ${check.padEnd(22)}  ${found}`
  return finding.verdict === 'ok' ? [line] : [line, `${' '.repeat(30)}→ ${finding.remedy}`]
}
