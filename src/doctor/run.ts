import { errorCatalogue, SealpostError } from '../kernel/index.ts'
import type { Check, Verdict } from './check.ts'

export type Finding = { readonly check: string } & Verdict

const deadline = 10_000

/** Runs checks side by side; none of them can end the others. In the order given. */
export function examine(checks: readonly Check[]): Promise<readonly Finding[]> {
  return Promise.all(checks.map(async check => ({ check: check.name, ...(await verdictOf(check)) })))
}

async function verdictOf(check: Check): Promise<Verdict> {
  const { promise: late, resolve } = Promise.withResolvers<Verdict>()
  const timer = setTimeout(resolve, check.deadline ?? deadline, {
    verdict: 'fail',
    found: 'no answer in time',
    remedy: 'Find out what does not answer.',
  })
  try {
    return await Promise.race([Promise.try(() => check.run()), late])
  } catch (error) {
    return failureOf(error)
  } finally {
    clearTimeout(timer)
  }
}

/** An error of ours as it is said on the command line; of any other only its name. */
export function failureOf(error: unknown): Verdict {
  if (!(error instanceof SealpostError)) {
    const found = error instanceof Error ? error.name : 'something unknown'
    return { verdict: 'fail', found: `the check itself failed: ${found}`, remedy: 'Report this.' }
  }
  const { title, remedy } = errorCatalogue[error.code]
  const { detail } = error.details
  return { verdict: 'fail', found: detail === undefined ? title : `${title} ${detail}`, remedy }
}
