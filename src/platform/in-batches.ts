import { SealpostError } from '../kernel/index.ts'

/**
 * Turns single calls into batches, at most one at a time: what is asked while a batch runs makes the next one. Under load
 * batches grow by themselves; alone, a call does not wait.
 *
 * @param run gives one answer per item, in order, or rejects and has done nothing. A temporary `SealpostError` rejects
 *   every caller of the batch; after any other error each item is run alone, so that a bad one fails by itself.
 */
export function inBatches<Item, Answer>(
  limit: number,
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (item: Item) => Promise<Answer> {
  let waiting: Call<Item, Answer>[] = []
  let running = false

  const answer = async (batch: readonly Call<Item, Answer>[]): Promise<void> => {
    try {
      const answers = await run(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, i) => resolve(answers[i] as Answer))
    } catch (error) {
      if (batch.length === 1 || (error instanceof SealpostError && error.temporary)) {
        for (const { reject } of batch) reject(error)
      } else for (const call of batch) await answer([call])
    }
  }

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, limit)
      waiting = waiting.slice(limit)
      await answer(batch)
    }
    running = false
  }

  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (running) return
      running = true
      // What else this turn of the event loop brings comes along.
      setImmediate(() => void drain())
    })
}

interface Call<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}
