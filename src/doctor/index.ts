/** The checks of `sealpost doctor`. */
export type { Check, Verdict } from './check.ts'
