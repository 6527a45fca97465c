import { createHash } from 'node:crypto'
import { SealpostError } from '../../kernel/index.ts'
import type { Fetcher, Poster, Reply } from '../../platform/https/index.ts'
import {
  type NoteVerifier,
  parseCheckpoint,
  parseVerifier,
  TlogError,
  verifyCosignature,
} from '../../tlog/index.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { type Anchor, AnchorError } from './anchor.ts'
import { assertContained, type OwnLog } from './own-log.ts'

export interface Witness {
  /** Its submission prefix, which is its monitoring prefix too. */
  readonly url: URL
  /** Of kind `cosignature`. */
  readonly verifier: NoteVerifier
}

/** A witness as the settings have it. Throws `config_invalid` when that is no key of a witness. */
export function parseWitness({ url, verifier: line }: { url: string; verifier: string }): Witness {
  try {
    const verifier = parseVerifier(line)
    if (verifier.kind === 'cosignature') return { url: new URL(url), verifier }
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
  }
  throw new SealpostError('config_invalid', {
    detail: 'SEALPOST_WITNESSES holds what is not the verifier key of a witness',
  })
}

type ProofFrom = (size: number) => Promise<readonly Uint8Array[]>

type Submission =
  | { readonly kind: 'cosigned'; readonly line: string }
  /** Its newest checkpoint of our log has this size, and not the one that we took for its newest. */
  | { readonly kind: 'conflict'; readonly size: number }
  /** By the newest that it has, ours is no continuation. */
  | { readonly kind: 'inconsistent' }

/**
 * A witness that speaks C2SP tlog-witness. Its cosignature is verified and kept as the receipt. That it knows more than we do counts
 * only with a checkpoint that our own key signed, which it is asked for: so no witness can stop us by a lie.
 *
 * @param fetcher without redirects
 */
export function openWitnessAnchor(witness: Witness, own: OwnLog, fetcher: Fetcher & Poster): Anchor {
  let known = 0
  return {
    name: `witness/${witness.verifier.name}`,
    async anchor(checkpoint, proofFrom) {
      const submit = (old: number) => submission(witness, fetcher, checkpoint, old, proofFrom)
      let answer = await submit(Math.min(known, checkpoint.size))
      if (answer.kind === 'conflict' && answer.size <= checkpoint.size) answer = await submit(answer.size)
      if (answer.kind !== 'cosigned') throw await judgeConflict(witness, own, fetcher, checkpoint, proofFrom)
      known = checkpoint.size
      return answer.line
    },
  }
}

/** One add-checkpoint. Throws `AnchorError` for everything that is neither a cosignature nor a conflict. */
async function submission(
  { url, verifier }: Witness,
  poster: Poster,
  checkpoint: Checkpoint,
  old: number,
  proofFrom: ProofFrom,
): Promise<Submission> {
  const proof = old === 0 ? [] : await proofFrom(old)
  const lines = [`old ${old}`, ...proof.map(hash => Buffer.from(hash).toString('base64'))]
  const body = Buffer.from(`${lines.join('\n')}\n\n${checkpoint.note}`)
  const reply = await poster.post(below(url, 'add-checkpoint'), body, 'text/plain; charset=utf-8')
  if (!reply.ok) throw new AnchorError(reply.failure)
  switch (reply.status) {
    case 200:
      return { kind: 'cosigned', line: cosignatureOf(reply.bytes, checkpoint.note, verifier) }
    case 403:
    case 404:
      throw new AnchorError('log_unknown')
    case 409:
      return { kind: 'conflict', size: sizeOf(reply) }
    case 422:
      return { kind: 'inconsistent' }
    default:
      throw new AnchorError('status_refused')
  }
}

/** Lines of other keys count for nothing. */
function cosignatureOf(bytes: Uint8Array, note: string, verifier: NoteVerifier): string {
  const text = Buffer.from(bytes).toString('utf8')
  const lines = text.split('\n').slice(0, 64)
  const line = lines.find(each => verifyCosignature(each, note, verifier) !== undefined)
  if (line === undefined || !text.endsWith('\n')) throw new AnchorError('receipt_refused')
  return `${line}\n`
}

function sizeOf({ mediaType, bytes }: Extract<Reply, { readonly ok: true }>): number {
  const [, digits] = /^(0|[1-9][0-9]{0,14})\n$/.exec(Buffer.from(bytes).toString('latin1')) ?? []
  if (digits === undefined || mediaType !== 'text/x.tlog.size') throw new AnchorError('content_refused')
  return Number(digits)
}

/** What is wrong between us and a witness that would not cosign: an error to throw. */
async function judgeConflict(
  { url }: Witness,
  own: OwnLog,
  fetcher: Fetcher,
  checkpoint: Checkpoint,
  proofFrom: ProofFrom,
): Promise<AnchorError> {
  const { origin } = parseCheckpoint(checkpoint.note.slice(0, checkpoint.note.lastIndexOf('\n\n') + 1))
  const hash = createHash('sha256').update(origin).digest('hex')
  const fetched = await fetcher.get(below(url, `${hash}/checkpoint`))
  if (!fetched.ok) return new AnchorError('conflict_unproved')
  const found = await own.open(fetched.bytes)
  if (!('head' in found)) return new AnchorError('conflict_unproved')
  await assertContained(found.head, checkpoint, proofFrom)
  // It is contained, so there is nothing in the way: it moved on meanwhile, or says one thing and shows another.
  return new AnchorError('conflict_unproved')
}

function below(prefix: URL, path: string): URL {
  return new URL(path, prefix.href.endsWith('/') ? prefix : `${prefix.href}/`)
}
