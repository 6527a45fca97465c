import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { anchorsOf, type Checkpoint, checkpointForEvidence, readTile } from '../audit-log/index.ts'
import { type ApplicationId, isId, type MessageId, SealpostError } from '../kernel/index.ts'
import {
  keepTiles,
  type NoteVerifier,
  openNote,
  parseVerifier,
  proveInclusion,
  readHashesFromTiles,
  TlogError,
} from '../tlog/index.ts'
import {
  answersOf,
  type EvidenceFile,
  evidenceFormat,
  type Leaf,
  renderEvidence,
  verifyEvidence,
} from '../verifier/index.ts'
import { gatherEvents, isWhole } from './gather.ts'
import { findMessage, findVerifiers, type MessageRow } from './store.ts'

/** The evidence of a message, as of one checkpoint. */
export interface Evidence {
  readonly message: MessageId
  /** Of the checkpoint. */
  readonly size: number
  /** The file. */
  readonly text: string
}

export interface EvidenceWish {
  /** Whose message it must be. Undefined: anybody's. */
  readonly application?: ApplicationId
  /** By how many anchors the checkpoint must have been taken. */
  readonly anchors: number
}

/** How long the log may take to catch up with the tables. */
const patience = { tries: 20, everyMs: 100 }

/**
 * The evidence of a message: the same text each time, for the same checkpoint. It goes under the oldest checkpoint that has all of
 * it, or the oldest of those that an anchor took. Throws `not_found`, also for another application's message; `evidence_not_ready`
 * while the log lags behind; `evidence_not_anchored`; `evidence_incomplete` when the log lacks an event that it takes.
 */
export async function evidenceOf(
  knex: Knex,
  id: string,
  { application, anchors }: EvidenceWish,
): Promise<Evidence> {
  const message = isId('msg', id) ? id : undefined
  for (let tries = 1; message !== undefined; tries++) {
    const evidence = await knex.transaction(trx => compose(trx, message, application, anchors), {
      isolationLevel: 'repeatable read',
      readOnly: true,
    })
    if (evidence !== 'behind') return evidence
    if (tries === patience.tries) throw new SealpostError('evidence_not_ready', { retryAfterSeconds: 2 })
    await sleep(patience.everyMs)
  }
  throw new SealpostError('not_found')
}

/** All of it from one moment of the database. */
async function compose(
  trx: Knex.Transaction,
  message: MessageId,
  application: ApplicationId | undefined,
  anchors: number,
): Promise<Evidence | 'behind'> {
  const row = await findMessage(trx, message, application)
  if (row === undefined) throw new SealpostError('not_found')
  const gathered = await gatherEvents(trx, message)
  const { answers, taken, gaps } = answersOf(message, gathered, repliesOf(row))
  if (answers === undefined && row.past) throw incomplete('its events are in an archive')
  if (answers === undefined || !isWhole(row, gathered)) return 'behind'
  if (gaps.length > 0) throw incomplete(gaps.map(({ code, where }) => `${code} ${where}`).join('; '))
  const events = gathered.filter(({ leaf }) => taken.has(leaf))
  const said = new Set(answers.deliveries.flatMap(({ history }) => history.map(({ reply }) => reply)))
  const checkpoint = await checkpointOf(trx, Math.max(...taken), anchors)
  const { line, verifier } = await keyOf(trx, checkpoint)
  const file: EvidenceFile = {
    format: evidenceFormat,
    message,
    answers,
    checkpoint: checkpoint.note + (await cosignaturesOf(trx, checkpoint)),
    key: line,
    events: await prove(trx, events, checkpoint),
    replies: repliesOf(row).filter(reply => said.has(reply)),
  }
  const text = renderEvidence(file)
  // What would not convince anybody does not leave.
  const { ok, findings } = verifyEvidence(text, { keys: [verifier] })
  if (!ok) throw incomplete(findings.map(({ code, where }) => `${code} ${where}`).join('; '))
  return { message, size: checkpoint.size, text }
}

/** Each once, in one order. */
function repliesOf({ attempts }: MessageRow): readonly string[] {
  return [...new Set(attempts.flatMap(({ reply }) => reply ?? []))].sort((a, b) => (a < b ? -1 : 1))
}

/** One that an anchor took, if there is one, whatever is asked for: it can be compared with what the anchor has. */
async function checkpointOf(trx: Knex.Transaction, leaf: number, anchors: number): Promise<Checkpoint> {
  try {
    return await checkpointForEvidence(trx, leaf, Math.max(anchors, 1))
  } catch (error) {
    const isUnanchored = error instanceof SealpostError && error.code === 'evidence_not_anchored'
    if (!isUnanchored || anchors > 0) throw error
    return checkpointForEvidence(trx, leaf, 0)
  }
}

/** The lines of witnesses that cosigned this very checkpoint. */
async function cosignaturesOf(trx: Knex.Transaction, checkpoint: Checkpoint): Promise<string> {
  const taken = await anchorsOf(trx, checkpoint)
  return taken.flatMap(({ receipt }) => (receipt?.startsWith('— ') ? [receipt] : [])).join('')
}

async function prove(
  trx: Knex.Transaction,
  events: readonly Leaf[],
  { size }: Checkpoint,
): Promise<EvidenceFile['events']> {
  const read = readHashesFromTiles(
    size,
    keepTiles(({ level, index, width }) => readTile(trx, level, index, width, size)),
  )
  const proven: EvidenceFile['events'][number][] = []
  for (const { leaf, body } of events) {
    const proof = await proveInclusion(leaf, size, read)
    proven.push({ leaf, body, proof: proof.map(hash => hash.toString('base64')) })
  }
  return proven
}

/** Which of the log's keys signed it. */
async function keyOf(
  trx: Knex.Transaction,
  { note }: Checkpoint,
): Promise<{ readonly line: string; readonly verifier: NoteVerifier }> {
  for (const line of await findVerifiers(trx)) {
    const verifier = parseVerifier(line)
    try {
      openNote(note, [verifier])
      return { line, verifier }
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
    }
  }
  throw incomplete('a checkpoint that no key of the log signed')
}

function incomplete(detail: string): SealpostError {
  return new SealpostError('evidence_incomplete', { detail })
}
