/** A sum that is handed out in parts and comes back. First come, first served. */
export interface Budget {
  /** Resolves once `amount` is free; more than the whole waits for all of it. Call what it gives to return it. */
  take(amount: number): Promise<() => void>
}

export function openBudget(total: number): Budget {
  let free = total
  const queue: { amount: number; grant: () => void }[] = []
  const serve = (): void => {
    for (let next = queue[0]; next !== undefined && next.amount <= free; next = queue[0]) {
      queue.shift()
      free -= next.amount
      next.grant()
    }
  }
  return {
    take(wanted) {
      const amount = Math.min(wanted, total)
      return new Promise(resolve => {
        queue.push({
          amount,
          grant: () =>
            resolve(() => {
              free += amount
              serve()
            }),
        })
        serve()
      })
    },
  }
}
