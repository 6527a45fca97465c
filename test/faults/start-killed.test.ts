import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { expect, inject, test } from 'vitest'
import type { DatabaseConfig } from '../../src/config/index.ts'
import {
  assertSchemaCurrent,
  migrate,
  openDatabase,
  startEmbeddedPostgres,
} from '../../src/platform/index.ts'
import { eventually } from '../support/locks.ts'
import { spawnCommand } from '../support/serve.ts'

const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 }

test('a crash of the migration leaves our schema without a queue: it is refused, and the next run goes on there', async () => {
  const name = `test_${randomBytes(8).toString('hex')}`
  const config = (user: string, database = name): DatabaseConfig => ({
    kind: 'socket',
    directory: inject('postgresSocket'),
    database,
    user,
  })
  const server = openDatabase(config('postgres', 'postgres'), session)
  await server.knex.raw(`CREATE DATABASE ${name} OWNER sealpost_owner`)
  const superuser = openDatabase(config('postgres'), session)
  const gateway = openDatabase(config('sealpost_owner'), session)

  // The schema of the queue is not made while this transaction is open.
  await superuser.knex.raw('ALTER SCHEMA public OWNER TO sealpost_owner')
  await superuser.knex.raw(`
    CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
      $$ BEGIN PERFORM pg_advisory_xact_lock(42); END $$;
    CREATE EVENT TRIGGER wait ON ddl_command_start WHEN TAG IN ('CREATE SCHEMA') EXECUTE FUNCTION wait()`)
  const gate = await superuser.knex.transaction()
  await gate.raw('SELECT pg_advisory_xact_lock(42)')
  const migration = spawnCommand(['migrate'], {
    SEALPOST_DATABASE_SOCKET: inject('postgresSocket'),
    SEALPOST_DATABASE_NAME: name,
  })
  await eventually('the schema of the queue', async () => (await waiting(superuser.knex)).length === 1)
  migration.signal('SIGKILL')
  expect(await migration.ended).toBe('SIGKILL')
  await superuser.knex.raw('SELECT pg_terminate_backend(?)', [(await waiting(superuser.knex))[0] ?? 0])
  await gate.rollback()
  await superuser.knex.raw('DROP EVENT TRIGGER wait')

  await expect(assertSchemaCurrent(gateway.knex)).rejects.toMatchObject({
    code: 'schema_outdated',
    details: { detail: 'queue' },
  })
  expect(await migrate(config('sealpost_owner'))).toEqual([])
  await assertSchemaCurrent(gateway.knex)

  await gateway.close()
  await superuser.close()
  await server.knex.raw(`DROP DATABASE ${name} WITH (FORCE)`)
  await server.close()
})

test('crashes of the first start leave data.new, or a database without roles: the next start goes on there', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-start-'))
  mkdirSync(join(directory, 'data.new'))
  writeFileSync(join(directory, 'data.new', 'PG_VERSION'), 'half')
  const first = await startEmbeddedPostgres({ directory })
  expect(existsSync(join(directory, 'data.new'))).toBe(false)
  const superuser = openDatabase(first.config('superuser'), session)
  await superuser.knex.raw('REASSIGN OWNED BY sealpost_owner TO postgres')
  for (const role of ['owner', 'gateway', 'auditor']) {
    await superuser.knex.raw(`DROP OWNED BY sealpost_${role}`)
    await superuser.knex.raw(`DROP ROLE sealpost_${role}`)
  }
  await superuser.close()
  await first.stop()

  const second = await startEmbeddedPostgres({ directory })
  await migrate(second.config('owner'))
  const gateway = openDatabase(second.config('gateway'), session)
  await assertSchemaCurrent(gateway.knex)
  await gateway.close()
  await second.stop()
  rmSync(directory, { recursive: true })
})

/** Backends that wait for the lock. */
async function waiting(knex: Knex): Promise<number[]> {
  const { rows } = await knex.raw<{ rows: { pid: number }[] }>(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return rows.map(({ pid }) => pid)
}
