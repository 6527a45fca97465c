import { questionOnTls, type Requirement, secureCommunication } from './compliance.ts'
import { auditLogs } from './compliance-audit.ts'

/** docs/compliance.md. */
export function compliancePage(note: string): string {
  const all = [...secureCommunication, ...questionOnTls, ...auditLogs]
  const count = (state: Requirement['state']): number => all.filter(row => row.state === state).length
  return `${note}

# Requirements, row by row

What is asked of the product, what it does, the tests that fail when it does not, and where to see it. A machine sees that each
test named here is there (\`test/docs/compliance.test.ts\`). *Partly* and *not yet* mean what they say.

So far there are rows on transport and on the audit log: ${count('yes')} yes, ${count('partly')} partly, ${count('not yet')} not yet.

## Secure communication (OWASP ASVS 4.0 V9; in brackets 5.0.0)

${table(secureCommunication)}

## The PCI question and answer on TLS

${table(questionOnTls)}

## Audit logs (PCI DSS 4.0.1, 10.2 to 10.7)

${table(auditLogs)}
`
}

function table(rows: readonly Requirement[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const head = ['Row', 'Wanted', 'So?', 'Behaviour', 'Tests', 'Evidence']
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({ row, wants, state, behaviour, missing, tests, evidence }) =>
      line([
        row,
        wants,
        state,
        missing === undefined ? behaviour : `${behaviour} **Missing:** ${missing}`,
        tests.map(({ path, title }) => `\`${path}\`: ${title}`).join('<br>'),
        evidence,
      ]),
    ),
  ].join('\n')
}
