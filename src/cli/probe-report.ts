import { type DestinationProbe, probeFindings } from '../delivery/index.ts'
import { inert } from './output.ts'

/** A probe as lines for a terminal, foreign text made inert. */
export function probeLines(probe: DestinationProbe): readonly string[] {
  const { summary, advice, rules } = probe.verdict
  return [
    ...probeFindings(probe),
    '',
    summary,
    ...advice.map(sentence => `- ${sentence}`),
    ...rules.flatMap(rule => [
      '',
      'Or ask for this rule in the console, but first compare its keys with them on another way than mail or this network:',
      ...JSON.stringify(rule, null, 2).split('\n'),
    ]),
  ].map(inert)
}
