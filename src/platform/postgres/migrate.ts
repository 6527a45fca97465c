import type { Knex } from 'knex'
import * as house from '../../../migrations/0001-house.ts'
import * as roles from '../../../migrations/0002-roles.ts'
import * as enrolment from '../../../migrations/0003-enrolment.ts'
import * as subkeys from '../../../migrations/0004-subkeys.ts'
import * as voidChanges from '../../../migrations/0005-void-changes.ts'
import * as transport from '../../../migrations/0006-transport.ts'
import * as auditLog from '../../../migrations/0007-audit-log.ts'
import * as intake from '../../../migrations/0008-intake.ts'
import * as updates from '../../../migrations/0009-updates.ts'
import type { DatabaseConfig } from '../../config/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { openDatabase } from './database.ts'
import { isUndefinedTable } from './errors.ts'
import { installQueue, queueSchemaIsCurrent } from './queue.ts'

interface Migration {
  readonly name: string
  readonly up: (knex: Knex) => Promise<void>
}

/** In order; append only. Each says in its own file how the previous release runs on its schema. */
const migrations: readonly Migration[] = [
  { name: '0001-house', up: house.up },
  { name: '0002-roles', up: roles.up },
  { name: '0003-enrolment', up: enrolment.up },
  { name: '0004-subkeys', up: subkeys.up },
  { name: '0005-void-changes', up: voidChanges.up },
  { name: '0006-transport', up: transport.up },
  { name: '0007-audit-log', up: auditLog.up },
  { name: '0008-intake', up: intake.up },
  { name: '0009-updates', up: updates.up },
]

/** Any number; the same in every release, so that two of them exclude each other. */
const migrationLock = 5_328_391

/**
 * Brings the schema to this version, as the owner role: our tables, then pg-boss' schema and queue. Repeatable, and
 * safe to run from several hosts at once: the second waits. `tell` is given all migrations of the schema, to record those it has
 * not recorded yet. Returns the names of the migrations that it ran.
 */
export async function migrate(
  owner: DatabaseConfig,
  tell?: (trx: Knex.Transaction, applied: readonly string[]) => Promise<void>,
): Promise<readonly string[]> {
  const database = openDatabase(owner, {
    applicationName: 'sealpost-migrate',
    statementTimeout: 0,
    poolSize: 2,
  })
  try {
    return await database.knex.transaction(async lock => {
      await lock.raw('SET LOCAL lock_timeout = 0')
      await lock.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
      await lock.raw('SELECT pg_advisory_xact_lock(?)', [migrationLock])
      // knex' own lock is a row that a killed process leaves set; ours ended with its connection.
      await database.knex.migrate.forceFreeMigrationsLock(source)
      const [, applied] = (await database.knex.migrate.latest(source)) as [number, string[]]
      // A crash here leaves constraints that hold for new rows only; the next run goes on here.
      await validateConstraints(database.knex)
      // A crash here leaves our schema without a queue: `assertSchemaCurrent` refuses it, the next run goes on here.
      await installQueue(owner, database.knex)
      // A crash here leaves migrations without their event; the next run writes it.
      await tell?.(lock, await appliedMigrations(database.knex))
      return applied
    })
  } finally {
    await database.close()
  }
}

/**
 * Checks the old rows of what a migration added as NOT VALID. It reads a whole table, so not under the locks of the
 * migration's own transaction: this one hinders neither reading nor writing.
 */
async function validateConstraints(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: { statement: string }[] }>(
    `SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', conrelid::regclass, conname) AS statement
       FROM pg_constraint WHERE NOT convalidated AND connamespace = 'public'::regnamespace`,
  )
  for (const { statement } of rows) await knex.raw(statement)
}

/** Throws `schema_outdated` unless exactly the migrations of this version, and pg-boss' schema, are in place. */
export async function assertSchemaCurrent(knex: Knex): Promise<void> {
  const wanted = migrations.map(({ name }) => name)
  const applied = await appliedMigrations(knex)
  const detail = difference(wanted, applied)
  if (detail !== undefined) throw new SealpostError('schema_outdated', { detail })
  if (!(await queueSchemaIsCurrent(knex))) throw new SealpostError('schema_outdated', { detail: 'queue' })
}

function difference(wanted: readonly string[], applied: readonly string[]): string | undefined {
  const missing = wanted.find(name => !applied.includes(name))
  if (missing !== undefined) return `${missing} is missing`
  const newer = applied.find(name => !wanted.includes(name))
  return newer === undefined ? undefined : `${newer} is newer than this program`
}

async function appliedMigrations(knex: Knex): Promise<string[]> {
  try {
    return await knex('knex_migrations').orderBy('id').pluck<string[]>('name')
  } catch (error) {
    if (isUndefinedTable(error)) return []
    throw error
  }
}

const source: Knex.MigratorConfig = {
  migrationSource: {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: (migration: Migration) => migration.name,
    getMigration: (migration: Migration) =>
      Promise.resolve({
        up: migration.up,
        down: () => Promise.reject(new Error('migrations are append-only')),
      }),
  } satisfies Knex.MigrationSource<Migration>,
}
