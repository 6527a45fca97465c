import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, SealpostError } from '../kernel/index.ts'
import {
  cosign,
  emptyRoot,
  formatVerifier,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  parseCheckpoint,
  TlogError,
  type TreeHead,
  verifyConsistency,
} from '../tlog/index.ts'
import { type Step, sweep } from './files.ts'
import { openKey } from './key.ts'
import { parseSubmission, type Submission } from './request.ts'
import { type LogState, openLogState } from './state.ts'

/** What a request is answered: statuses and bodies of C2SP tlog-witness. */
export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422
  readonly mediaType: 'text/plain; charset=utf-8' | 'text/x.tlog.size'
  readonly body: string
}

export interface Witness {
  /** The line that logs and auditors know it by. */
  readonly verifier: string
  /** `POST /add-checkpoint`. Rejects when what it knows cannot be read or written: nothing is cosigned then. */
  addCheckpoint(body: Uint8Array): Promise<Answer>
  /** `GET /<origin hash>/checkpoint`: the newest that was cosigned of that log. */
  checkpoint(originHash: string): Promise<Answer>
}

export interface WitnessOptions {
  /** Its memory: made when it is not there. A copy of it, put back later, would cosign a log's rollback. */
  readonly state: string
  /** The keys of the logs that it watches; a log may have several. */
  readonly logs: readonly NoteVerifier[]
  /** Of its own key: undefined is whatever name it has. */
  readonly name?: string | undefined
  /** What a new key is called where no name is given. */
  readonly defaultName: string
  readonly clock: Clock
  /** For tests, which end the process there. */
  readonly reached?: (step: Step) => void
}

interface Log {
  readonly keys: readonly NoteVerifier[]
  readonly state: LogState
}

/** Opens a witness on its directory. Throws `config_invalid` and `usage`. */
export async function openWitness(options: WitnessOptions): Promise<Witness> {
  const { state, logs, clock, reached } = options
  await mkdir(state, { recursive: true, mode: 0o700 })
  await sweep(state)
  const own = await openKey(state, options.name, options.defaultName)
  const origins = new Map<string, Log>()
  for (const { name: origin, kind } of logs) {
    if (kind !== 'note') throw new SealpostError('usage', { detail: '--log takes the key of a log' })
    if (origins.has(origin)) continue
    const keys = logs.filter(log => log.name === origin)
    origins.set(origin, {
      keys,
      state: await openLogState(join(state, hashOf(origin)), own.verifier, reached),
    })
  }
  // One at a time: what is compared and what is written belong together.
  let turn: Promise<unknown> = Promise.resolve()
  return {
    verifier: formatVerifier(own.verifier),
    addCheckpoint(body) {
      const answer = turn.then(() => addCheckpoint(body, origins, own, clock))
      turn = answer.catch(() => undefined)
      return answer
    },
    async checkpoint(originHash) {
      const [, log] = [...origins].find(([origin]) => hashOf(origin) === originHash) ?? []
      const latest = await log?.state.latest()
      return latest === undefined ? refusal(404, 'no checkpoint') : text(latest.note)
    },
  }
}

/** In the order of C2SP tlog-witness, "add-checkpoint". */
async function addCheckpoint(
  body: Uint8Array,
  origins: ReadonlyMap<string, Log>,
  own: NoteSigner,
  clock: Clock,
): Promise<Answer> {
  const submission = parseSubmission(body)
  const origin = submission?.note.split('\n', 1)[0]
  if (submission === undefined || origin === undefined) return refusal(400, 'malformed')
  const log = origins.get(origin)
  if (log === undefined) return refusal(404, 'unknown log')
  const head = signedHead(submission.note, log.keys)
  if ('status' in head) return head
  if (submission.oldSize > head.size) return refusal(400, 'the old size is larger than the checkpoint')

  const latest = await log.state.latest()
  const size = latest?.head.size ?? 0
  if (submission.oldSize !== size) return conflict(size)
  if (!isConsistent(latest?.head, head, submission)) return refusal(422, 'inconsistent')

  const line = cosign(submission.note, Math.floor(clock.now().getTime() / 1000), own)
  // A crash here leaves a cosignature that nobody has seen, of a checkpoint that is forgotten: it can be asked for again.
  const recorded = await log.state.advance(latest?.turn ?? 0, withoutOthers(submission.note, line, log.keys))
  // A crash here leaves a checkpoint that is recorded and unanswered: the log asks again, and is told its size.
  if (!recorded) return conflict((await log.state.latest())?.head.size ?? 0)
  return text(line)
}

function signedHead(note: string, keys: readonly NoteVerifier[]): TreeHead | Answer {
  try {
    return parseCheckpoint(openNote(note, keys).text)
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    const isUnsigned = error.code === 'signature_missing' || error.code === 'signature_wrong'
    return isUnsigned ? refusal(403, 'not signed by the log') : refusal(400, 'malformed')
  }
}

/** From what was cosigned last to what is submitted, whose old size is the right one. */
function isConsistent(last: TreeHead | undefined, head: TreeHead, { proof }: Submission): boolean {
  const from = last ?? { size: 0, root: emptyRoot() }
  if (head.size === 0 && !Buffer.from(head.root).equals(emptyRoot())) return false
  return verifyConsistency({
    from: from.size,
    fromRoot: from.root,
    to: head.size,
    toRoot: head.root,
    proof,
  })
}

/** The checkpoint with the signatures that were verified, and ours. */
function withoutOthers(note: string, cosignature: string, keys: readonly NoteVerifier[]): string {
  const at = note.lastIndexOf('\n\n') + 2
  const lines = note.slice(at).split('\n')
  const kept = openNote(note, keys).signatures.flatMap(
    ({ verifier }) => lines.find(line => isBy(line, verifier)) ?? [],
  )
  return `${note.slice(0, at)}${kept.map(line => `${line}\n`).join('')}${cosignature}`
}

function isBy(line: string, { name, id }: NoteVerifier): boolean {
  const [, by, base64 = ''] = line.split(' ')
  return by === name && Buffer.from(base64, 'base64').readUInt32BE(0) === id
}

function hashOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex')
}

function text(body: string): Answer {
  return { status: 200, mediaType: 'text/plain; charset=utf-8', body }
}

function refusal(status: 400 | 403 | 404 | 422, why: string): Answer {
  return { status, mediaType: 'text/plain; charset=utf-8', body: `${why}\n` }
}

function conflict(size: number): Answer {
  return { status: 409, mediaType: 'text/x.tlog.size', body: `${size}\n` }
}
