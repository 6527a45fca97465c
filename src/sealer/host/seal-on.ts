import { type Ciphertext, Plaintext, reveal, SealpostError, wipe } from '../../kernel/index.ts'
import type { MessageFacts, SealTarget, Task } from '../protocol.ts'
import { admitCiphertext } from './gate.ts'
import { largestBody } from './pool-options.ts'
import type { SealerProcess } from './sealer-process.ts'

export interface SealedMessage<Target extends SealTarget> {
  readonly metadata: MessageFacts
  /** In the order of the targets. */
  readonly sealed: readonly { readonly target: Target; readonly ciphertext: Ciphertext }[]
}

export type Resolve<Target extends SealTarget> = (metadata: MessageFacts) => Promise<readonly Target[]>

/** A body of which the first chunks were read already. */
export interface StartedBody {
  readonly head: readonly Plaintext[]
  /** Undefined: `head` is all there is. */
  readonly rest: AsyncIterator<Plaintext> | undefined
}

/** 100 MiB: the body times the recipients. Their ciphertexts are in memory together until they are committed. */
const maxSealed = 100 * 1024 * 1024
/** What header fields, signature and framing may add to a ciphertext of at most four times the body. */
const spare = 64 * 1024

/** A body on its way through one sealer process. */
export interface OnSealer {
  readonly process: SealerProcess
  readonly task: Task
  readonly body: StartedBody
  /** Milliseconds: bounds each wait for the sealer over a small body. */
  readonly limit: number
  readonly attachmentBytes: number
}

/** Seals one message in one process. */
export function sealOn<Target extends SealTarget>(
  on: OnSealer,
  resolve: Resolve<Target>,
): Promise<SealedMessage<Target>> {
  const { process } = on
  return asJob(on, async (job, size) => {
    const limit = limitFor(on, size)
    const metadata = await announced(process, job, limit)
    // One recipient always: else the largest message could be for nobody.
    if (metadata.to.length > 1 && size * metadata.to.length > maxSealed)
      throw new SealpostError('body_too_large')
    const targets = await resolve(metadata)
    await process.send({ type: 'targets', job, targets: targets.map(onlyTarget) })
    const sealed = []
    for (const [i, target] of targets.entries()) {
      const bytes = await collect(process, job, i, limit, size * 4 + spare)
      sealed.push({ target, ciphertext: admitCiphertext(bytes, target) })
    }
    return { metadata, sealed }
  })
}

/** What there is to say of a message; the process forgets it. */
export function checkOn(on: OnSealer): Promise<MessageFacts> {
  return asJob(on, (job, size) => announced(on.process, job, limitFor(on, size)))
}

/** A large body takes longer to look through: as much again for each 25 MB. */
function limitFor({ limit }: OnSealer, size: number): number {
  return limit * (1 + size / (25 * 1024 * 1024))
}

/** Sends the body to the process, then goes on with `work`. */
async function asJob<Result>(
  on: OnSealer,
  work: (job: number, size: number) => Promise<Result>,
): Promise<Result> {
  const { process } = on
  const job = process.beginJob()
  try {
    return await work(job, await stream(on, job))
  } catch (error) {
    void process.send({ type: 'abandon', job }).catch(ignore)
    throw error
  } finally {
    process.endJob(job)
  }
}

/** Sends the body on and gives its size. Each chunk is wiped when it was sent, or when it cannot be. */
async function stream({ process, task, body, attachmentBytes }: OnSealer, job: number): Promise<number> {
  const most = largestBody(attachmentBytes)
  let size = 0
  const pass = async (chunk: Plaintext, last: boolean): Promise<void> => {
    try {
      const bytes = reveal(chunk)
      const before = size
      size += bytes.length
      if (size > most) throw new SealpostError('body_too_large')
      await process.send({ type: 'body', job, bytes, last, task: before === 0 ? task : undefined })
    } finally {
      wipe(chunk)
    }
  }
  // One behind, so that the last chunk is known for it: a small body is a single message on the pipe.
  let latest = new Plaintext(new Uint8Array())
  try {
    for await (const chunk of chunksOf(body)) {
      const previous = latest
      latest = chunk
      if (reveal(previous).length > 0) await pass(previous, false)
      // Refused: nobody needs the rest.
      if (process.hasAnswered(job)) return size
    }
    await pass(latest, true)
  } finally {
    wipe(latest)
  }
  return size
}

async function* chunksOf({ head, rest }: StartedBody): AsyncGenerator<Plaintext> {
  yield* head
  if (rest === undefined) return
  try {
    for (;;) {
      const next = await rest.next()
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}

async function announced(process: SealerProcess, job: number, limit: number): Promise<MessageFacts> {
  const answer = await process.answer(job, limit)
  if (answer.type === 'metadata') return answer.metadata
  if (answer.type === 'refused')
    throw new SealpostError(answer.refusal.code, { errors: answer.refusal.errors })
  throw new SealpostError('sealer_unavailable', { detail: answer.type })
}

async function collect(
  process: SealerProcess,
  job: number,
  target: number,
  limit: number,
  most: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const answer = await process.answer(job, limit)
    size += answer.type === 'sealed' ? answer.piece.length : 0
    if (answer.type !== 'sealed' || answer.target !== target || size > most) {
      throw new SealpostError('sealer_unavailable', { detail: answer.type })
    }
    pieces.push(answer.piece)
    if (answer.last) return pieces.length === 1 ? answer.piece : Buffer.concat(pieces)
  }
}

/** The resolver's targets may carry more; a sealer is told no more than it needs. */
function onlyTarget({ certificate, encryptionSubkey, format, outer }: SealTarget): SealTarget {
  const { from, to, date, messageId } = outer
  return { certificate, encryptionSubkey, format, outer: { from, to, date, messageId } }
}

/** The wait for the answer fails as well, and says so. */
function ignore(): void {
  // Nothing to add.
}
