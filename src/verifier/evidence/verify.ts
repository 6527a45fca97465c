import { leafHash, type NoteVerifier, parseVerifier, TlogError, verifyInclusion } from '../../tlog/index.ts'
import { isCanonicalObject } from '../reading/canonical.ts'
import { largestCosigned, type Note, openHead, type SignedHead } from '../reading/notes.ts'
import type { Caution, FindingCode, Report } from '../report.ts'
import { type Answers, answersOf } from './answers.ts'
import { digestsOf } from './ciphertext.ts'
import { type EvidenceFile, type ProvenLeaf, parseEvidence } from './file.ts'

/** What can be wrong with evidence. docs/evidence.md says what each means. */
export type EvidenceFindingCode =
  | Extract<
      FindingCode,
      | 'checkpoint_malformed'
      | 'signature_missing'
      | 'signature_wrong'
      | 'event_missing'
      | 'event_altered'
      | 'event_not_canonical'
      | 'forked'
      | 'cosignature_missing'
    >
  | 'evidence_malformed'
  | 'other_key'
  | 'event_misplaced'
  | 'event_foreign'
  | 'event_unfit'
  | 'answers_wrong'
  | 'reply_foreign'
  | 'ciphertext_unknown'

export interface EvidenceFinding {
  readonly code: FindingCode | EvidenceFindingCode
  /** A leaf, an anchor, a file, or an event by its type and what it is about. */
  readonly where: string
}

/** Something that a recipient kept. */
export interface Kept {
  readonly where: string
  readonly bytes: Uint8Array
}

export interface EvidenceOptions {
  /** The log's keys, as they came by another way. None: the one in the file is taken, with a caution. */
  readonly keys?: readonly NoteVerifier[]
  /** Who must have cosigned the checkpoint. */
  readonly witnesses?: readonly NoteVerifier[]
  /** Checkpoints that were kept elsewhere. One of the same size must be of the same tree; others say nothing. */
  readonly anchors?: readonly Note[]
  /** Ciphertexts, bare, in armour or in a mail: each must be one of this message. */
  readonly ciphertexts?: readonly Kept[]
}

export interface EvidenceReport {
  /** Nothing was found. */
  readonly ok: boolean
  readonly findings: readonly EvidenceFinding[]
  readonly cautions: readonly (
    | Extract<Caution, 'key_not_pinned' | 'not_anchored'>
    /** Lines of the checkpoint by keys that were not given: nothing rests on them. */
    | 'signatures_unchecked'
  )[]
  /** Derived from events that were all proven; undefined when anything was found. */
  readonly answers?: Answers
  readonly log?: Report['log']
  readonly events: number
  readonly witnessed: Report['witnessed']
  /** Which delivery each ciphertext is of. */
  readonly ciphertexts: readonly { readonly where: string; readonly delivery: string }[]
}

/**
 * Verifies one file of evidence, from nothing but what is given: its form, the signature of its checkpoint, that each event is
 * in the log, that the events belong together and leave no required step out, and that the answers are what they say.
 */
export function verifyEvidence(text: string, options: EvidenceOptions = {}): EvidenceReport {
  const findings: EvidenceFinding[] = []
  const find = (code: EvidenceFinding['code'], where: string) => void findings.push({ code, where })
  const nothing = { events: 0, witnessed: [], ciphertexts: [], cautions: [] }
  const file = parseEvidence(text)
  if (file === undefined)
    return { ...nothing, ok: false, findings: [{ code: 'evidence_malformed', where: 'file' }] }

  const keys = keysOf(file, options, find)
  const head = openHead({ where: 'checkpoint', note: file.checkpoint }, keys, find)
  if (head !== undefined) for (const event of file.events) checkEvent(event, head, find)
  const growing = file.events.every(({ leaf }, at) => leaf > (file.events[at - 1]?.leaf ?? -1))
  if (!growing) find('event_misplaced', 'events')
  const answers = findings.length === 0 ? checkAnswers(file, find) : undefined
  const isAnchored = head !== undefined && checkAnchors(head, keys, options, find)
  const witnessed = head === undefined ? [] : checkWitnesses(head, options, find)
  const ciphertexts = answers === undefined ? [] : checkCiphertexts(answers, options, find)

  const ok = findings.length === 0
  return {
    ok,
    findings,
    cautions: [
      ...(options.keys?.length ? [] : (['key_not_pinned'] as const)),
      ...(isAnchored || witnessed.length > 0 ? [] : (['not_anchored'] as const)),
      ...(linesOf(file) === 1 + witnessed.length ? [] : (['signatures_unchecked'] as const)),
    ],
    ...(ok && answers !== undefined ? { answers } : {}),
    ...(head === undefined ? {} : { log: logOf(head) }),
    events: file.events.length,
    witnessed,
    ciphertexts,
  }
}

type Find = (code: EvidenceFinding['code'], where: string) => void

/** The keys that may have signed. The one in the file must be among those that were given. */
function keysOf({ key }: EvidenceFile, { keys = [] }: EvidenceOptions, find: Find): readonly NoteVerifier[] {
  try {
    const inFile = parseVerifier(key)
    if (keys.length === 0) return [inFile]
    if (
      !keys.some(
        ({ name, id, key: known }) => name === inFile.name && id === inFile.id && known.equals(inFile.key),
      )
    )
      find('other_key', 'key')
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    find('evidence_malformed', 'key')
  }
  return keys
}

/** The leaf is in the tree that was signed, and has one reading. */
function checkEvent({ leaf, body, proof }: ProvenLeaf, { size, root }: SignedHead, find: Find): void {
  const hashes = proof.map(base64 => Buffer.from(base64, 'base64'))
  const isBase64 = hashes.every((hash, at) => hash.toString('base64') === proof[at])
  const isIn = verifyInclusion({ hash: leafHash(body), leaf, size, proof: hashes, root })
  if (!isBase64 || !isIn) find('event_altered', `leaf ${leaf}`)
  if (!isCanonicalObject(body)) find('event_not_canonical', `leaf ${leaf}`)
}

/** The events tell one story, all of them are part of it, and it is the one that the file tells. */
function checkAnswers(
  { message, events, replies, answers: told }: EvidenceFile,
  find: Find,
): Answers | undefined {
  const { answers, taken, gaps } = answersOf(message, events, replies)
  for (const { code, where } of gaps) find(code, where)
  for (const { leaf } of events) if (!taken.has(leaf)) find('event_foreign', `leaf ${leaf}`)
  const said = new Set(answers?.deliveries.flatMap(({ history }) => history.map(({ reply }) => reply)))
  const isSorted = replies.every((reply, at) => at === 0 || reply > (replies[at - 1] ?? ''))
  if (!isSorted || !replies.every(reply => said.has(reply))) find('reply_foreign', 'replies')
  if (JSON.stringify(answers) !== JSON.stringify(told)) find('answers_wrong', 'answers')
  return answers
}

/** Whether the tree is as it was when a checkpoint of its size left for outside. */
function checkAnchors(
  head: SignedHead,
  keys: readonly NoteVerifier[],
  { anchors = [] }: EvidenceOptions,
  find: Find,
): boolean {
  const same = anchors.flatMap(note => {
    const anchored = openHead(note, keys, find)
    return anchored?.size === head.size ? [anchored] : []
  })
  for (const { where, root } of same) if (Buffer.compare(root, head.root) !== 0) find('forked', where)
  return same.length > 0
}

function checkWitnesses(
  head: SignedHead,
  { witnesses = [] }: EvidenceOptions,
  find: Find,
): Report['witnessed'] {
  return witnesses.flatMap(witness => {
    const cosigned = largestCosigned(witness, [head])
    if (cosigned === undefined) find('cosignature_missing', witness.name)
    return cosigned === undefined ? [] : [cosigned]
  })
}

function checkCiphertexts(
  { deliveries }: Answers,
  { ciphertexts = [] }: EvidenceOptions,
  find: Find,
): EvidenceReport['ciphertexts'] {
  return ciphertexts.flatMap(({ where, bytes }) => {
    const digests = digestsOf(bytes)
    const known = deliveries.find(({ ciphertext }) => digests.has(String(ciphertext.sha256)))
    if (known === undefined) find('ciphertext_unknown', where)
    return known === undefined ? [] : [{ where, delivery: known.delivery }]
  })
}

/** Of signatures. */
function linesOf({ checkpoint }: EvidenceFile): number {
  return checkpoint.slice(checkpoint.lastIndexOf('\n\n') + 2).split('\n').length - 1
}

function logOf({ origin, size, root }: SignedHead): NonNullable<Report['log']> {
  return { origin, size, root: Buffer.from(root).toString('base64') }
}
