import { dirname } from 'node:path'
import { SealpostError } from '../../kernel/index.ts'
import { PostgresError } from '../postgres/errors.ts'

interface LoggedError {
  readonly name: string
  readonly code?: string
  readonly detail?: string
  readonly frames: readonly string[]
  readonly cause?: LoggedError
}

/**
 * An error without its message: libraries quote what they were given. Only our own errors bring words (their
 * `detail`), and only names and codes of the form that programs use are taken from others.
 */
export function describeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error, frames: [] }
  const code = codeOf(error)
  const detail = error instanceof SealpostError ? error.details.detail : constraintOf(error)
  return {
    name: nameOf(error),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail: detail.slice(0, 512) }),
    frames: framesOf(error),
    ...(error.cause === undefined || depth === 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  }
}

const root = dirname(dirname(dirname(import.meta.dirname)))

/**
 * Where the stack passed, as `path:line:column`: files below our root (made relative) and modules of Node. Lines of a
 * message can imitate a frame; what they could bring in is no more than that.
 */
function framesOf(error: Error): string[] {
  const stack: unknown = error.stack
  if (typeof stack !== 'string') return []
  const message = error.message === '' ? -1 : stack.indexOf(error.message)
  const body = message === -1 ? stack : stack.slice(message + error.message.length)
  return body
    .split('\n')
    .flatMap(line => placeOf(line) ?? [])
    .slice(0, 12)
}

function placeOf(line: string): string | undefined {
  const place = /^ {4}at (?:.*\()?(?:file:\/\/)?([^()\s]+:\d{1,6}:\d{1,6})\)?$/.exec(line)?.[1] ?? ''
  if (/^node:[a-z_/]{1,64}:\d+:\d+$/.test(place)) return place
  const path = place.startsWith(`${root}/`) ? place.slice(root.length + 1) : ''
  return /^[\w@+./-]{1,200}:\d+:\d+$/.test(path) ? path : undefined
}

function constraintOf(error: Error): string | undefined {
  return error instanceof PostgresError ? error.constraint : undefined
}

/** `TypeError`, `KnexTimeoutError`: capitalised words, with no room for anything encoded. */
function nameOf(error: Error): string {
  return typeof error.name === 'string' && /^(?:[A-Z][a-z]{2,15}){1,5}$/.test(error.name)
    ? error.name
    : 'Error'
}

/** `ECONNREFUSED`, `ERR_TLS_CERT_ALTNAME_INVALID`; from our own errors, whose codes are a closed union, any. */
function codeOf(error: Error): string | undefined {
  if (error instanceof SealpostError || error instanceof PostgresError) return error.code
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) && !/\d{5}/.test(code)
    ? code
    : undefined
}
