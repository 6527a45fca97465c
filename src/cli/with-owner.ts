import type { Knex } from 'knex'
import { type DatabaseConfig, loadOwnerDatabase, loadReaderDatabase } from '../config/index.ts'
import { openDatabase } from '../platform/index.ts'

/** Runs one task on the database as its owner, by the settings of the environment. */
export function withOwner<Result>(task: (knex: Knex) => Promise<Result>): Promise<Result> {
  return withDatabase(loadOwnerDatabase(process.env), task)
}

/** Runs one task that only reads, as whichever role the environment has the password of. */
export function withReader<Result>(task: (knex: Knex) => Promise<Result>): Promise<Result> {
  return withDatabase(loadReaderDatabase(process.env), task)
}

async function withDatabase<Result>(
  config: DatabaseConfig,
  task: (knex: Knex) => Promise<Result>,
): Promise<Result> {
  const database = openDatabase(config, {
    applicationName: 'sealpost-cli',
    statementTimeout: 30_000,
    poolSize: 1,
  })
  try {
    return await task(database.knex)
  } finally {
    await database.close()
  }
}
