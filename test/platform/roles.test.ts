import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, isInsufficientPrivilege, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
const open: Partial<Record<'owner' | 'gateway' | 'auditor', Database>> = {}

beforeAll(async () => {
  database = await testDatabase()
  for (const role of ['owner', 'gateway', 'auditor'] as const) {
    open[role] = openDatabase(database[role], {
      applicationName: 'test',
      statementTimeout: 5_000,
      poolSize: 1,
    })
  }
  await run(
    'owner',
    `INSERT INTO applications VALUES ('app_1', 'a', 'DNS:a', '{}', now());
     INSERT INTO recipients VALUES ('rcp_1', 'a@b', 'employee', 'o', 'active', now());
     INSERT INTO destinations VALUES ('b', '{"mode": "auto"}', now());
     INSERT INTO audit_events (id, at, type, body, hash) VALUES ('evt_1', now(), 't', '{}', sha256('x'))`,
  )
})

afterAll(async () => {
  for (const connection of Object.values(open)) await connection.close()
  await database.drop()
})

function run(role: keyof typeof open, statement: string): Promise<unknown> {
  return Promise.resolve(open[role]?.knex.raw(statement))
}

const refused = {
  gateway: [
    'CREATE TABLE t (n int)',
    'CREATE SCHEMA s',
    'CREATE TABLE pgboss.t (n int)',
    'CREATE TEMP TABLE t (n int)',
    'ALTER TABLE messages ADD n int',
    'DROP TABLE attempts',
    'TRUNCATE deliveries CASCADE',
    'DROP TRIGGER audit_events_append_only ON audit_events',
    'ALTER TABLE audit_events DISABLE TRIGGER ALL',
    "UPDATE audit_events SET body = '{}'",
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'UPDATE audit_leaves SET seq = 1',
    'DELETE FROM audit_leaves',
    'TRUNCATE audit_leaves',
    "UPDATE audit_tiles SET root = sha256('x')",
    'DELETE FROM audit_tiles',
    'TRUNCATE audit_tiles',
    "UPDATE audit_checkpoints SET note = 'x'",
    'DELETE FROM audit_checkpoints',
    'TRUNCATE audit_checkpoints CASCADE',
    'ALTER TABLE audit_leaves DISABLE TRIGGER ALL',
    "UPDATE log_keys SET verifier = 'x'",
    'DELETE FROM log_keys',
    "UPDATE attempts SET outcome = 'x'",
    'DELETE FROM attempts',
    "UPDATE messages SET sender = 'x'",
    'DELETE FROM messages',
    'DELETE FROM deliveries',
    "UPDATE deliveries SET address = 'x'",
    "UPDATE deliveries SET certificate = 'x'",
    "UPDATE recipients SET address = 'x'",
    "INSERT INTO recipients VALUES ('rcp_2', 'c@d', 'employee', 'o', 'active', now())",
    "UPDATE certificates SET fingerprint = 'x'",
    "INSERT INTO applications VALUES ('app_2', 'b', 'DNS:b', '{}', now())",
    'UPDATE applications SET revoked_at = NULL',
    "UPDATE destinations SET rule = '{}'",
    'DELETE FROM destinations',
    `INSERT INTO destinations VALUES ('c', '{"mode": "secure"}', now())`,
    'DELETE FROM signing_keys',
    "UPDATE knex_migrations SET name = 'x'",
    "SELECT pgboss.create_queue('q', '{}')",
    'DELETE FROM pgboss.queue',
    'SET ROLE sealpost_owner',
    'SET session_replication_role = replica',
    "COPY messages TO PROGRAM 'true'",
  ],
  auditor: [
    'SELECT ciphertext FROM deliveries',
    'SELECT * FROM deliveries',
    'SELECT sealed FROM signing_keys',
    'SELECT sealed FROM log_keys',
    'INSERT INTO audit_leaves VALUES (0, 1)',
    'DELETE FROM audit_leaves',
    'SELECT * FROM pgboss.job',
    'INSERT INTO audit_events (id, at, type, body, hash) SELECT id, at, type, body, hash FROM audit_events',
    'DELETE FROM audit_events',
    "UPDATE recipients SET state = 'active'",
    'CREATE TABLE t (n int)',
    'SET ROLE sealpost_gateway',
  ],
  owner: [
    "UPDATE audit_events SET body = '{}'",
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'UPDATE audit_leaves SET seq = 1',
    'DELETE FROM audit_leaves',
    'TRUNCATE audit_leaves',
    "UPDATE audit_tiles SET root = sha256('x')",
    'DELETE FROM audit_tiles',
    'TRUNCATE audit_tiles',
    "UPDATE audit_checkpoints SET note = 'x'",
    'DELETE FROM audit_checkpoints',
    'TRUNCATE audit_checkpoints CASCADE',
    'INSERT INTO audit_leaves VALUES (0, 1) ON CONFLICT (leaf) DO UPDATE SET seq = 2',
    "INSERT INTO audit_events (id, at, type, body, hash) VALUES ('evt_1', now(), 't', '{}', sha256('x')) ON CONFLICT (id) DO UPDATE SET body = 'x'",
    'SET session_replication_role = replica',
    'CREATE ROLE r',
  ],
} as const

for (const [role, statements] of Object.entries(refused) as [keyof typeof refused, readonly string[]][]) {
  describe(`PostgreSQL refuses the ${role}`, () => {
    test.each(statements)('%s', async statement => {
      // The auditor's sessions are read-only as well; what counts is that the grant is missing.
      const writable = role === 'auditor' ? `SET transaction_read_only = off; ${statement}` : statement
      const error: unknown = await run(role, writable).then(
        () => 'allowed',
        (reason: unknown) => reason,
      )
      expect(isInsufficientPrivilege(error), String(error)).toBe(true)
    })
  })
}

describe('PostgreSQL lets', () => {
  test.each([
    "UPDATE recipients SET state = 'suspended', suspended_for = 'operator'",
    "UPDATE certificates SET state = 'revoked', revoked_at = now()",
    "INSERT INTO messages VALUES ('msg_1', 'app_1', 'a@b', NULL, now())",
    "INSERT INTO audit_events (id, at, type, body, hash) VALUES ('evt_2', now(), 't', '{}', sha256('x'))",
    "UPDATE deliveries SET state = 'failed', outcome = 'x', attempts = 1, ciphertext = NULL, settled_at = now()",
  ])('the gateway do its work: %s', async statement => {
    await run('gateway', statement)
  })

  test('the auditor read the log', async () => {
    await run('auditor', 'SELECT body, hash FROM audit_events')
    await run('auditor', 'SELECT leaf, seq FROM audit_leaves; SELECT hashes, root FROM audit_tiles')
    await run('auditor', 'SELECT note FROM audit_checkpoints; SELECT verifier FROM log_keys')
    await run('auditor', 'SELECT id, state, outcome FROM deliveries')
  })
})
