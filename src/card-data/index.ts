export { mask } from './mask.ts'
export type { SadKind } from './sad.ts'
export { type Findings, type Found, type Limits, scan, scanInSteps } from './scan.ts'
