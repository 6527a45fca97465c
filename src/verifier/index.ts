export { type VerifyOptions, verifyExport } from './export.ts'
export { type Note, readNotes } from './reading/notes.ts'
export type { Caution, Finding, FindingCode, Report } from './report.ts'
