import { randomBytes } from 'node:crypto'
import knexFactory, { type Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as house from '../../migrations/0001-house.ts'
import * as roles from '../../migrations/0002-roles.ts'
import * as enrolment from '../../migrations/0003-enrolment.ts'
import type { DatabaseConfig } from '../../src/config/index.ts'
import { type Database, migrate, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { insertCertificate } from '../support/recipients.ts'

// What was there before a primary key could have several subkeys, brought to the schema in which it can.

let server: TestDatabase
let owner: Database
let config: DatabaseConfig
const name = `test_${randomBytes(8).toString('hex')}`
const hour = 3_600_000

beforeAll(async () => {
  server = await testDatabase()
  await administer(`CREATE DATABASE ${name} TEMPLATE template0 OWNER sealpost_owner`)
  config = { ...server.owner, database: name }
  await before(config)
  owner = openDatabase(config, { applicationName: 'test', statementTimeout: 10_000, poolSize: 2 })
})
afterAll(async () => {
  await owner.close()
  await administer(`DROP DATABASE ${name} WITH (FORCE)`)
  await server.drop()
})

const fingerprint = (digit: string) => digit.repeat(40)
const subkey = (digit: string) => `5${digit.repeat(39)}`
const recipient = { recipient: 'rcp_a', address: 'a@bank.test' } as unknown as Parameters<
  typeof insertCertificate
>[1]

test('what was there is what it was', async () => {
  const applied = await migrate(config)
  expect(applied[0]).toBe('0004-subkeys')
  const { knex } = owner
  expect(await knex('policy_refusals').select('fingerprint', 'encryption_subkey')).toEqual([
    { fingerprint: fingerprint('A'), encryption_subkey: subkey('A') },
  ])
  expect(await knex('certificates').whereNotNull('follows')).toEqual([])
  expect(await knex('deliveries').select('certificate', 'encryption_subkey')).toEqual([
    { certificate: fingerprint('A'), encryption_subkey: subkey('A') },
  ])
})

test('the deliveries of before were checked as well, after the locks were gone', async () => {
  const { rows } = await owner.knex.raw<{ rows: { conname: string }[] }>(
    `SELECT conname FROM pg_constraint WHERE NOT convalidated AND connamespace = 'public'::regnamespace`,
  )
  expect(rows).toEqual([])
  const stray = owner.knex('deliveries').update({ encryption_subkey: subkey('B') })
  await expect(stray).rejects.toMatchObject({ code: '23503', constraint: 'deliveries_certificate_fkey' })
})

test('a second subkey has its place, under the same owner only', async () => {
  const under = fingerprint('A')
  const pin = await insertCertificate(owner.knex, recipient, { state: 'retired', under })
  const follows = await owner
    .knex('certificates')
    .where({ encryption_subkey: pin.encryptionSubkey })
    .pluck<string[]>('follows')
  expect(follows).toEqual([subkey('A')])
  const other = { ...recipient, recipient: 'rcp_b' } as unknown as typeof recipient
  await expect(insertCertificate(owner.knex, other, { state: 'retired', under })).rejects.toMatchObject({
    code: '23505',
  })
})

test('run again, it does nothing', async () => {
  expect(await migrate(config)).toEqual([])
})

/** The schema of the release before, with a certificate, a delivery and a refusal. */
async function before(database: DatabaseConfig): Promise<void> {
  if (database.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const knex = knexFactory({
    client: 'pg',
    connection: { host: database.directory, user: database.user, database: database.database },
  })
  const migrations = [
    { name: '0001-house', up: house.up },
    { name: '0002-roles', up: roles.up },
    { name: '0003-enrolment', up: enrolment.up },
  ]
  try {
    await knex.migrate.latest({
      migrationSource: {
        getMigrations: () => Promise.resolve(migrations),
        getMigrationName: (migration: (typeof migrations)[number]) => migration.name,
        getMigration: (migration: (typeof migrations)[number]) =>
          Promise.resolve({ up: migration.up, down: () => Promise.resolve() }),
      } satisfies Knex.MigrationSource<(typeof migrations)[number]>,
    })
    await fill(knex)
  } finally {
    await knex.destroy()
  }
}

async function fill(knex: Knex): Promise<void> {
  const now = new Date()
  const later = new Date(now.getTime() + hour)
  for (const id of ['a', 'b'])
    await knex('recipients').insert({
      id: `rcp_${id}`,
      address: `${id}@bank.test`,
      kind: 'supplier',
      organisation: 'Bank',
      state: 'active',
      created_at: now,
    })
  await knex('certificates').insert({
    fingerprint: fingerprint('A'),
    recipient_id: 'rcp_a',
    bytes: Buffer.from('a'),
    encryption_subkey: subkey('A'),
    algorithm: 'ecdh-curve25519',
    format: 'seipdv1',
    state: 'active',
    accepted_at: now,
  })
  await knex('applications').insert({ id: 'app', name: 'a', san: 'DNS:a', senders: [], created_at: now })
  await knex('messages').insert({ id: 'msg', application_id: 'app', sender: 's', accepted_at: now })
  await knex('deliveries').insert({
    id: 'dlv',
    message_id: 'msg',
    position: 0,
    recipient_id: 'rcp_a',
    address: 'a@bank.test',
    certificate: fingerprint('A'),
    encryption_subkey: subkey('A'),
    format: 'seipdv1',
    outer_date: '',
    outer_message_id: '',
    ciphertext_sha256: '',
    ciphertext_bytes: 0,
    state: 'queued',
    accepted_at: now,
    next_attempt_at: now,
    give_up_at: later,
  })
  await knex('policy_records').insert({
    id: 'pol',
    policy: 'standard',
    sha256: '0'.repeat(64),
    effective_at: now,
    expires_at: later,
    approved_at: now,
  })
  await knex('policy_refusals').insert({
    record_id: 'pol',
    fingerprint: fingerprint('A'),
    reasons: ['cryptoperiod_over'],
    from_at: now,
  })
}

async function administer(statement: string): Promise<void> {
  if (server.superuser.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const client = new pg.Client({ host: server.superuser.directory, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
