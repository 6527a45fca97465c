import knexFactory, { type Knex } from 'knex'
import type { Client } from 'pg'
import { type Clock, SealpostError } from '../../kernel/index.ts'
import { connectionSettings, type DatabaseSource, type SessionSettings } from './connection.ts'
import { endsConnection, fromConnectFailure, fromQueryFailure } from './errors.ts'

export interface Database {
  readonly knex: Knex
  /** Resolves when the database answers. */
  ping(): Promise<void>
  /** Waits for running queries and closes every connection. */
  readonly close: () => Promise<void>
}

export interface DatabaseOptions extends SessionSettings {
  /** Connections at most. They are opened when needed. */
  readonly poolSize: number
  /** Default: the system's. */
  readonly clock?: Clock
}

/**
 * A pool of connections; connects at the first query. Every error of a query is a `PostgresError` (SQLSTATE and names
 * of the schema only, never a value) or a `SealpostError`, `database_unavailable` when the database is at fault.
 * When a COMMIT fails with `database_unavailable`, whether it took effect is unknown.
 */
export function openDatabase(source: DatabaseSource, options: DatabaseOptions): Database {
  const settings = connectionSettings(source, options, options.clock)
  const knex = knexFactory({
    client: 'pg',
    // A function, because knex would copy an object, and with it what is to be read anew at each connection.
    connection: () => settings,
    compileSqlOnError: false,
    acquireConnectionTimeout: 5_000,
    pool: {
      min: 0,
      max: options.poolSize,
      afterCreate: (connection: Client, done: (error: Error | null, connection: Client) => void) => {
        prepare(connection).then(
          () => done(null, connection),
          (error: unknown) => done(fromConnectFailure(error), connection),
        )
      },
    },
    // knex writes connection errors to the console; ours are thrown.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
  })
  nameConnectFailures(knex)
  return {
    knex,
    ping: async () => {
      await knex.raw('SELECT 1')
    },
    close: () => knex.destroy(),
  }
}

type QueryDone = (error: unknown, result?: unknown) => void

async function prepare(connection: Client): Promise<void> {
  const { rows } = await connection.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting <> 'on'",
  )
  // A commit that a power cut can undo is none; our session setting cannot help against the server's fsync.
  if (rows[0] !== undefined) {
    throw new SealpostError('database_unavailable', { detail: `PostgreSQL runs with ${rows[0].name} off` })
  }
  const query = connection.query.bind(connection) as unknown as (config: unknown, done: QueryDone) => void
  const reduced = (config: unknown, done: QueryDone) =>
    query(config, (error, result) => {
      if (!error) {
        done(error, result)
        return
      }
      // knex' own mark. Without it a connection that the server is closing goes back into the pool.
      if (endsConnection(error)) Object.assign(connection, { __knex__disposed: true })
      done(fromQueryFailure(error))
    })
  connection.query = reduced as unknown as typeof connection.query
}

function nameConnectFailures(knex: Knex): void {
  const client = knex.client as { acquireConnection(): Promise<unknown> }
  const acquire = client.acquireConnection.bind(client)
  client.acquireConnection = async () => {
    try {
      return await acquire()
    } catch (error) {
      throw fromConnectFailure(error)
    }
  }
}

function ignore(): void {
  // Deliberately silent.
}
