import { channel } from 'node:diagnostics_channel'
import { SealpostError } from '../../kernel/index.ts'
import { PostgresError } from '../../platform/index.ts'

/**
 * Where `appendEvents` tells that it failed. It is called everywhere and has no state of its own; whoever watches has. One
 * channel for the process: a process is one replica.
 */
export const appendFailures = channel('sealpost.audit')
export type AppendFailure = 'unwritable' | 'refused'

/** Tells that an event held something that has no place in the log. */
export function tellRefused(): void {
  appendFailures.publish('refused' satisfies AppendFailure)
}

/**
 * What the failure of an INSERT into the log is to its caller: `audit_unavailable`, told to whoever watches; or the failure
 * itself, where it was not the log that failed: the connection is gone, or the transaction could not go on anyway.
 */
export function unwritable(error: unknown): unknown {
  const code = sqlstateOf(error)
  if (code === undefined || elsewhere.test(code)) return error
  appendFailures.publish('unwritable' satisfies AppendFailure)
  return new SealpostError('audit_unavailable', { detail: code, cause: error })
}

/** Connection, authorisation, shutting down, too many connections; a failed transaction, a deadlock, a lost race. */
const elsewhere = /^(?:08|28|40|57P)|^53300$|^25P02$/

function sqlstateOf(error: unknown): string | undefined {
  if (error instanceof PostgresError) return error.code
  const detail = error instanceof SealpostError ? error.details.detail : undefined
  return detail !== undefined && /^[0-9A-Z]{5}$/.test(detail) ? detail : undefined
}
