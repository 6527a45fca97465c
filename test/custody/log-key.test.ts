import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { initSigningKey, listLogKeys, unsealFor } from '../../src/custody/index.ts'
import { unwrap, wrap } from '../../src/custody/wrap.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { formatVerifier, openNote, parseVerifier, signNote } from '../../src/tlog/index.ts'
import { testDatabase } from '../support/database.ts'
import { quickToDerive } from '../support/shortcut.ts'

const opened = new AsyncDisposableStack()
let owner: Knex
let gateway: Knex
let auditor: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const pool = (config: typeof database.owner): Knex =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 30_000, poolSize: 3 }),
      open => open.close(),
    ).knex
  ;[owner, gateway, auditor] = [pool(database.owner), pool(database.gateway), pool(database.auditor)]
  await initSigningKey(
    owner,
    systemClock,
    generateSigningKey,
    'gateway@g.example' as Address,
    passphrase,
    quickToDerive,
  )
})
afterAll(() => opened.disposeAsync())

const passphrase = 'as long as it has to be'
const unseal = (origin = 'gateway.test/audit-log') =>
  unsealFor(gateway, systemClock, { seals: true, sends: false, origin }, () => Promise.resolve(passphrase))
const generated = () => owner('audit_events').where({ type: 'log.key.generated' }).pluck<string[]>('body')

test('the first unseal makes the key, once, however many replicas unseal', async () => {
  const [first, second] = await Promise.all([unseal(), unseal()])
  expect(first.log?.verifier.id).toBe(second.log?.verifier.id)
  const [key, ...others] = await listLogKeys(auditor)
  expect(others).toEqual([])
  expect(key).toMatchObject({ origin: 'gateway.test/audit-log', retiredAt: null })
  expect((await generated()).map(body => (JSON.parse(body) as { verifier: string }).verifier)).toEqual([
    key?.verifier,
  ])
})

test('it signs what its verifier line opens, and keeps its name', async () => {
  const { log } = await unseal('other.test/audit-log')
  const [key] = await listLogKeys(auditor)
  if (log === undefined || key === undefined) throw new Error('no key')
  expect(formatVerifier(log.verifier)).toBe(key.verifier)
  expect(openNote(signNote('text\n', log), [parseVerifier(key.verifier)]).text).toBe('text\n')
  expect(await generated()).toHaveLength(1)
})

test('it is stored wrapped', async () => {
  const { log } = await unseal()
  const secret = Buffer.from(log?.key.export({ format: 'jwk' }).d ?? '', 'base64url')
  expect(secret).toHaveLength(32)
  const row = await owner('log_keys').first<{ sealed: Buffer }>('sealed')
  expect(row.sealed.includes(secret)).toBe(false)
})

test('a replica that opens nothing does not have it', async () => {
  const nobody = () => Promise.reject(new Error('there is nobody to ask'))
  const keys = await unsealFor(gateway, systemClock, { seals: false, sends: true, origin: 'a' }, nobody)
  expect(keys.log).toBeUndefined()
})

test.each([
  ['of another name', { origin: 'other.test/audit-log' }],
  [
    'beside another public key',
    { verifier: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW' },
  ],
  ['altered', { sealed: createHash('sha512').update('x').digest() }],
])('what was stored does not open %s', async (_, changes) => {
  const before = await owner('log_keys').first<Record<string, unknown>>()
  await owner('log_keys').update(changes)
  await expect(unseal()).rejects.toMatchObject({ code: 'passphrase_wrong' })
  await owner('log_keys').update(before)
})

test('a key wrapped as one kind does not open as another', () => {
  const [key, secret] = [Buffer.alloc(32, 1), Buffer.from('secret')]
  const wrapped = wrap(secret, key, 'dkim', 'about')
  expect(unwrap(wrapped, key, 'dkim', 'about')).toEqual(secret)
  expect(() => unwrap(wrapped, key, 'log', 'about')).toThrow()
})
