import type { Writable } from 'node:stream'
import { pino } from 'pino'
import { scrub } from '../scrub.ts'
import { describeError } from './error.ts'
import { allowedFields, type LogFields } from './fields.ts'

export type { LogFields } from './fields.ts'

/** `noun-verb`: what happened, fixed in the code. A string made at run time does not fit this type. */
export type LogEvent = `${Lowercase<string>}-${Lowercase<string>}`

/** JSON lines of ids, codes and numbers. Nothing that comes from a message can be said with it. */
export interface Logger {
  debug(event: LogEvent, fields?: LogFields): void
  info(event: LogEvent, fields?: LogFields): void
  warn(event: LogEvent, fields?: LogFields): void
  /** Of a foreign error only name, code and stack frames are written, never its message. */
  error(event: LogEvent, error: unknown, fields?: LogFields): void
}

/**
 * Writes to `destination`, by default stdout, one line at a time. Whatever still looks like a card number in a
 * finished line becomes `[pan]`.
 */
export function openLogger(options: {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly destination?: Pick<Writable, 'write'>
}): Logger {
  const destination = options.destination ?? process.stdout
  const log = pino(
    {
      level: options.level,
      base: { pid: process.pid },
      messageKey: 'event',
      // Not epoch milliseconds: one in ten of these would pass for a card number.
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    { write: (line: string) => void destination.write(scrub(line)) },
  )
  return {
    debug: (event, fields = {}) => log.debug(allowedFields(fields), nameOf(event)),
    info: (event, fields = {}) => log.info(allowedFields(fields), nameOf(event)),
    warn: (event, fields = {}) => log.warn(allowedFields(fields), nameOf(event)),
    error: (event, error, fields = {}) =>
      log.error({ ...allowedFields(fields), error: describeError(error) }, nameOf(event)),
  }
}

/** pino would fill in `%s`; and a cast must not bring text in. */
function nameOf(event: string): string {
  return /^[a-z][a-z0-9-]{1,63}$/.test(event) ? event : 'invalid-event'
}
