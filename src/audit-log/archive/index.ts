export { type Archived, type ArchiveWish, archiveEvents } from './archive.ts'
export { enrolmentTypes } from './lasting.ts'
