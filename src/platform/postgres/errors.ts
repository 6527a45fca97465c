import { SealpostError } from '../../kernel/index.ts'

/**
 * A statement that PostgreSQL refused, without the words of the server: `DETAIL` and `MESSAGE` quote row values, and
 * knex puts bindings into messages. What is left are names from the schema and the SQLSTATE.
 */
export class PostgresError extends Error {
  override readonly name = 'PostgresError'
  /** SQLSTATE, PostgreSQL documentation appendix A. */
  readonly code: string
  readonly constraint: string | undefined
  readonly table: string | undefined

  constructor(code: string, constraint: string | undefined, table: string | undefined) {
    super()
    this.code = code
    this.constraint = constraint
    this.table = table
    fixMessage(this, `PostgreSQL refused a statement (${code})`)
  }
}

/** A row with this key exists already; with `constraint`, only when that constraint or index says so. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return hasCode(error, '23505') && (constraint === undefined || error.constraint === constraint)
}

export function isForeignKeyViolation(error: unknown): boolean {
  return hasCode(error, '23503')
}

/** The role may not do this. */
export function isInsufficientPrivilege(error: unknown): boolean {
  return hasCode(error, '42501')
}

export function isUndefinedTable(error: unknown): boolean {
  return hasCode(error, '42P01')
}

/**
 * Classes 08 (connection), 28 (authorisation), 53 (resources), 57 (operator intervention, statement timeout) and
 * 58 (system), a server that became read-only, a lock not had in time: the database, not the statement, is at fault.
 */
const unavailable = /^(?:08|28|53|57|58)|^25006$|^55P03$/

/** What a failed query may tell: a {@link PostgresError}, or `database_unavailable`. Keeps no cause: it quotes values. */
export function fromQueryFailure(error: unknown): PostgresError | SealpostError {
  if (error instanceof SealpostError || error instanceof PostgresError) return error
  const code = stringField(error, 'code')
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && stringField(error, 'severity') !== undefined) {
    return unavailable.test(code)
      ? unavailableError(code)
      : new PostgresError(code, stringField(error, 'constraint'), stringField(error, 'table'))
  }
  if (code !== undefined || /terminated|not queryable|timeout|connection/i.test(messageOf(error))) {
    return unavailableError(code ?? 'connection lost')
  }
  return fixed(new SealpostError('internal_error', { detail: 'a statement could not be sent' }))
}

/** Whether the connection is of no more use: the server said FATAL, or it was not the server that spoke. */
export function endsConnection(error: unknown): boolean {
  return stringField(error, 'severity') !== 'ERROR'
}

/** No connection: nothing was sent yet, so the error's own words are safe for the operator. */
export function fromConnectFailure(error: unknown): SealpostError {
  return error instanceof SealpostError
    ? error
    : fixed(
        new SealpostError('database_unavailable', { detail: stringField(error, 'code') ?? messageOf(error) }),
      )
}

function unavailableError(detail: string): SealpostError {
  return fixed(new SealpostError('database_unavailable', { detail }))
}

function hasCode(error: unknown, code: string): error is PostgresError {
  return error instanceof PostgresError && error.code === code
}

/** knex assigns `sql + message` to the message of whatever it throws; here that assignment has no effect. */
function fixMessage(error: Error, message: string): void {
  Object.defineProperty(error, 'message', { get: () => message, set: () => undefined, configurable: true })
}

function fixed<E extends Error>(error: E): E {
  fixMessage(error, error.message)
  return error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}

function stringField(error: unknown, field: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value = (error as Record<string, unknown>)[field]
  return typeof value === 'string' ? value : undefined
}
