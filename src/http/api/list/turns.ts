import { SealpostError } from '../../../kernel/index.ts'

/**
 * Does one thing at a time for each name, the others after it; so nobody has more than one connection of the database to themselves.
 * Throws `too_many_requests` when `most` are there already.
 */
export function openTurns(
  most: number,
): <Result>(name: string, task: () => Promise<Result>) => Promise<Result> {
  const lines = new Map<string, { length: number; end: Promise<unknown> }>()
  return async (name, task) => {
    const line = lines.get(name) ?? { length: 0, end: Promise.resolve() }
    if (line.length >= most) throw new SealpostError('too_many_requests', { retryAfterSeconds: 1 })
    lines.set(name, line)
    line.length++
    const mine = line.end.then(task)
    line.end = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      line.length--
      if (line.length === 0) lines.delete(name)
    }
  }
}
