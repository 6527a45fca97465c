import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { DatabaseConfig } from '../../src/config/index.ts'

export interface TestDatabase {
  readonly owner: DatabaseConfig
  readonly gateway: DatabaseConfig
  readonly auditor: DatabaseConfig
  /** For faults that only an administrator of the server can cause. */
  readonly superuser: DatabaseConfig
  /** Throws away the database, with force: open connections are cut. */
  drop(): Promise<void>
}

/** A fresh, migrated database of its own on the server of this run, in about 50 ms. */
export async function testDatabase(): Promise<TestDatabase> {
  const directory = inject('postgresSocket')
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(directory, `CREATE DATABASE ${name} TEMPLATE sealpost OWNER sealpost_owner`)
  // What roles.sql does; rights on a database do not come with its template.
  await administer(directory, `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
  await administer(directory, `GRANT CONNECT ON DATABASE ${name} TO sealpost_gateway, sealpost_auditor`)
  const config = (user: string): DatabaseConfig => ({ kind: 'socket', directory, database: name, user })
  return {
    owner: config('sealpost_owner'),
    gateway: config('sealpost_gateway'),
    auditor: config('sealpost_auditor'),
    superuser: config('postgres'),
    drop: () => administer(directory, `DROP DATABASE ${name} WITH (FORCE)`),
  }
}

async function administer(directory: string, statement: string): Promise<void> {
  const client = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
