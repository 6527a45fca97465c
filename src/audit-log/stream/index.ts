export { openSyslogAnchor } from './anchor.ts'
export type { Siem } from './receiver.ts'
export { type StreamProgress, streamProgress } from './standing.ts'
export { openStream, type Stream, type StreamDependencies } from './stream.ts'
