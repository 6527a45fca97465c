/** The checks of `sealpost doctor`. Another one is an entry in `checks/`. */
export type { Check, Verdict } from './check.ts'
export { checksOf } from './checks.ts'
export { examine, type Finding } from './run.ts'
