export { type ExportDependencies, type Exported, exportLog } from './export.ts'
export { type ExportWish, exportStands } from './plan.ts'
export { verifierLines } from './store.ts'
