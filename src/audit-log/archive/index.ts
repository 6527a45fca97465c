export { type Archived, type ArchiveWish, archiveEvents } from './archive.ts'
