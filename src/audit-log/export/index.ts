export { type ExportDependencies, type Exported, exportLog } from './export.ts'
export type { ExportWish } from './plan.ts'
