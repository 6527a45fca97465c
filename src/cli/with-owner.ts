import type { Knex } from 'knex'
import { loadOwnerDatabase } from '../config/index.ts'
import { openDatabase } from '../platform/index.ts'

/** Runs one task on the database as its owner, by the settings of the environment. */
export async function withOwner<Result>(task: (knex: Knex) => Promise<Result>): Promise<Result> {
  const database = openDatabase(loadOwnerDatabase(process.env), {
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
