/** What a check found, in words for the person who runs `sealpost doctor`; with what to do unless it is fine. */
export type Verdict =
  | { readonly verdict: 'ok'; readonly found: string }
  | { readonly verdict: 'warn' | 'fail'; readonly found: string; readonly remedy: string }

/** One thing that can be wrong with an installation. */
export interface Check {
  /** Lower-case words with hyphens, stable: scripts look for it. */
  readonly name: string
  /** May reject: that is a failure, of which only the code of a `SealpostError` is shown. Is given ten seconds. */
  run(): Promise<Verdict> | Verdict
}
