import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initSigningKey, openSigningKey } from '../../src/custody/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { testDatabase } from '../support/database.ts'

const opened = new AsyncDisposableStack()
let owner: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), test => test.drop())
  owner = opened.adopt(
    openDatabase(database.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 }),
    pool => pool.close(),
  ).knex
})
afterAll(() => opened.disposeAsync())

const passphrase = 'Zürich needs a long passphrase'
const init = () =>
  initSigningKey(owner, systemClock, generateSigningKey, 'gateway@g.example' as Address, passphrase)
const events = () => owner('audit_events').orderBy('seq').pluck<string[]>('type')

test('without a key there is nothing to open', async () => {
  await expect(openSigningKey(owner, systemClock, passphrase)).rejects.toMatchObject({ code: 'key_missing' })
})

test('a key is made once, stored wrapped, and opens with its passphrase in either Unicode form', async () => {
  const { fingerprint } = await init()
  await expect(init()).rejects.toMatchObject({ code: 'key_exists' })
  const key = await openSigningKey(owner, systemClock, passphrase.normalize('NFD'))
  expect(key.wrapped.fingerprint).toBe(fingerprint)
  expect(key.keyEncryptionKey).toHaveLength(32)
  const row = await owner('signing_keys').first<Record<string, unknown>>()
  expect(JSON.stringify(row)).not.toContain(Buffer.from(key.keyEncryptionKey).toString('hex'))
  expect(await events()).toEqual(['custody.key.generated', 'custody.unsealed'])
})

test('another passphrase is refused, and audited', async () => {
  await expect(openSigningKey(owner, systemClock, `${passphrase}.`)).rejects.toMatchObject({
    code: 'passphrase_wrong',
  })
  expect((await events()).at(-1)).toBe('custody.unseal.refused')
})
