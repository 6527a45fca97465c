import { SealpostError } from '../../../kernel/index.ts'
import { largeBody } from './bodies-in-flight.ts'

interface Pace {
  /** Milliseconds that a client may let us wait, however little it sends. */
  readonly grace: number
  readonly bytesPerSecond: number
}

/** What others can see: a small body is read before it takes a place in a sealer, a large one while it has one. */
const paces = {
  small: { grace: 10_000, bytesPerSecond: 64 * 1024 },
  large: { grace: 5_000, bytesPerSecond: 1024 * 1024 },
} as const satisfies Record<string, Pace>

/**
 * The chunks of a body, as long as they come fast enough. Only the time counts that we wait for the client, not what it waits for us.
 * Throws `body_too_slow`; `chunks` is left as it is then, in the middle of a read.
 */
export async function* atPace(
  chunks: AsyncIterator<Buffer, unknown>,
  { small, large }: Readonly<Record<'small' | 'large', Pace>> = paces,
): AsyncGenerator<Buffer> {
  let size = 0
  let waited = 0
  let pace = small
  let ended = false
  try {
    for (;;) {
      const budget = pace.grace + (size / pace.bytesPerSecond) * 1000 - waited
      const began = performance.now()
      ended = true
      const next = await within(budget, chunks.next())
      if (next.done === true) return
      ended = false
      waited += performance.now() - began
      size += next.value.length
      if (pace === small && size > largeBody) [pace, size, waited] = [large, 0, 0]
      yield next.value
    }
  } finally {
    // Who reads no further says so; but not in the middle of a read, which may never end.
    if (!ended) await chunks.return?.()
  }
}

async function within<Result>(milliseconds: number, result: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new SealpostError('body_too_slow')), Math.max(0, milliseconds))
  })
  try {
    return await Promise.race([result, late])
  } finally {
    clearTimeout(timer)
  }
}
