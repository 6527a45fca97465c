/** Lets at most `limit` tasks run at the same time; the others wait in the order in which they came. */
export function inTurn(limit: number): <Result>(task: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let running = 0
  return async task => {
    if (running < limit) running++
    else await new Promise<void>(resolve => waiting.push(resolve))
    try {
      return await task()
    } finally {
      // The place goes over to whoever waits longest.
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
