import { expect } from 'vitest'
import { formatVerifier, type NoteVerifier } from '../../src/tlog/index.ts'
import { type EvidenceFinding, readNotes, verifyEvidence } from '../../src/verifier/index.ts'
import { attempt, openWorkplace } from './run.ts'

/** What one of the two says of a file; how much was proven, where nothing is wrong. */
export interface Told {
  readonly ok: boolean
  readonly proven?: { readonly events: number; readonly size: number | undefined }
  readonly findings: readonly string[]
}

/** What a verifier is given beside the file. */
export interface Asked {
  readonly key: NoteVerifier
  readonly witnesses: readonly NoteVerifier[]
  readonly anchor: string
}

/** What ours says of a file of evidence, and what second-verifier.py says. */
export async function askBoth(
  content: string,
  { key, witnesses = [], anchor = '' }: Pick<Asked, 'key'> & Partial<Asked>,
): Promise<[Told, Told]> {
  await using place = await openWorkplace()
  const path = await place.file('evidence.json', content)
  const kept = anchor === '' ? [] : [await place.file('anchor', anchor)]
  const anchors = kept.flatMap(file => [...readNotes(file)])
  const ours = verifyEvidence(content, { keys: [key], witnesses, anchors })
  const more = [
    ...witnesses.flatMap(each => ['--witness', formatVerifier(each)]),
    ...kept.flatMap(each => ['--anchor', each]),
  ]
  const script = new URL('second-verifier.py', import.meta.url).pathname
  const ended = await attempt('python3', [
    script,
    ...['--evidence', path, '--key', formatVerifier(key)],
    ...more,
  ])
  expect(ended.complaint).toBe('')
  const theirs = JSON.parse(ended.output.toString()) as Record<'events' | 'size', number> &
    Omit<typeof ours, 'events'>
  expect(ended.status).toBe(theirs.ok ? 0 : 1)
  const told = ({ ok, findings }: Pick<typeof ours, 'ok' | 'findings'>, events: number, size?: number) => ({
    ok,
    findings: inOrder(findings),
    ...(ok && { proven: { events, size } }),
  })
  return [told(ours, ours.events, ours.log?.size), told(theirs, theirs.events, theirs.size)]
}

/** What is missing is the finding: of what follows from that, the page says nothing. Which rule was broken, each says in its own words. */
function inOrder(findings: readonly EvidenceFinding[]): string[] {
  const isMissing = findings.some(({ code }) => code === 'event_missing')
  const follows = ['event_unfit', 'event_foreign', 'reply_foreign', 'answers_wrong']
  const said = findings
    .filter(({ code }) => !isMissing || !follows.includes(code))
    .map(({ code, where }) => (['event_missing', 'event_unfit'].includes(code) ? code : `${code} ${where}`))
  return [...new Set(said)].sort()
}
