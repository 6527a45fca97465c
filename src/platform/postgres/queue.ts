import type { Knex } from 'knex'
import { type ConstructorOptions, PgBoss, type QueueOptions } from 'pg-boss'
import type { DatabaseConfig } from '../../config/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { connectionSettings, type DatabaseSource } from './connection.ts'
import { fromConnectFailure, fromQueryFailure, isUndefinedTable } from './errors.ts'

/** The one queue. Its jobs hold `{delivery: id}` and nothing else. */
export const deliverQueue = 'deliver'

const schema = 'pgboss'

const queueOptions: QueueOptions = {
  // A job that failed or whose courier died comes back until the delivery itself is settled.
  retryLimit: 10_000,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 300,
  expireInSeconds: 300,
  deleteAfterSeconds: 3600,
}

/**
 * pg-boss on the same settings as every other connection, started. As the gateway role it needs no DDL: `migrate` made
 * its schema. `onError` hears of failures in its background work. Throws `schema_outdated`, `database_unavailable`.
 */
export async function openQueue(
  source: DatabaseSource,
  options: { readonly poolSize: number; readonly onError: (error: unknown) => void },
): Promise<PgBoss> {
  const boss = new PgBoss({
    ...settings(source, options.poolSize),
    migrate: false,
    createSchema: false,
    schedule: false,
    // How often the replicas together look for jobs whose courier gives no sign of life.
    superviseIntervalSeconds: 10,
    monitorIntervalSeconds: 10,
    // Rebuilding an index takes its owner.
    reindex: false,
  })
  boss.on('error', error => options.onError(fromQueryFailure(error)))
  try {
    await boss.start()
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined)
    if (error instanceof Error && /not installed|requires migrations/.test(error.message)) {
      throw new SealpostError('schema_outdated', { detail: 'queue' })
    }
    throw fromConnectFailure(error)
  }
  return boss
}

/** Makes or upgrades pg-boss' schema and queue as the owner, and lets the gateway work on its rows. */
export async function installQueue(owner: DatabaseConfig, knex: Knex): Promise<void> {
  const boss = new PgBoss({
    ...settings(owner, 2),
    supervise: false,
    schedule: false,
    migrate: true,
    createSchema: true,
  })
  boss.on('error', () => undefined)
  try {
    await boss.start()
    await boss.createQueue(deliverQueue, queueOptions)
    await boss.updateQueue(deliverQueue, queueOptions)
  } finally {
    await boss.stop({ graceful: false })
  }
  await knex.raw(`
    REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC;
    GRANT USAGE ON SCHEMA ${schema} TO sealpost_gateway;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO sealpost_gateway;
    REVOKE INSERT, DELETE ON ${schema}.version, ${schema}.queue FROM sealpost_gateway;
  `)
}

/** Whether the queue exists. pg-boss itself refuses to start on a schema of another version. */
export async function queueSchemaIsCurrent(knex: Knex): Promise<boolean> {
  try {
    const rows: unknown[] = await knex
      .withSchema(schema)
      .from('queue')
      .where({ name: deliverQueue })
      .select('name')
    return rows.length === 1
  } catch (error) {
    if (isUndefinedTable(error)) return false
    throw error
  }
}

function settings(source: DatabaseSource, poolSize: number): ConstructorOptions {
  const session = connectionSettings(source, { applicationName: 'sealpost-queue', statementTimeout: 30_000 })
  return { ...session, schema, max: poolSize }
}
