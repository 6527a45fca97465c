export { stripMetadata } from './strip.ts'
