/** What a check found, in words for the person who runs `sealpost doctor`; with what to do unless it is fine. */
export type Verdict =
  | { readonly verdict: 'ok'; readonly found: string }
  | { readonly verdict: 'warn' | 'fail'; readonly found: string; readonly remedy: string }

/** One thing that can be wrong with an installation. */
export interface Check {
  /** Lower-case words with hyphens, stable: scripts look for it. */
  readonly name: string
  /** May reject: that is a failure, told by the code of a `SealpostError` or else not at all. */
  run(): Promise<Verdict> | Verdict
  /** Milliseconds that it is given. Default 10,000. */
  readonly deadline?: number
}

export function ok(found: string): Verdict {
  return { verdict: 'ok', found }
}

export function warn(found: string, remedy: string): Verdict {
  return { verdict: 'warn', found, remedy }
}

export function fail(found: string, remedy: string): Verdict {
  return { verdict: 'fail', found, remedy }
}
