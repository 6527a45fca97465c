import { createPublicKey } from 'node:crypto'
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  dkimRecord,
  initDkimKey,
  initSigningKey,
  listDkimKeys,
  retireCurrentDkimKey,
  unsealFor,
} from '../../src/custody/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { testDatabase } from '../support/database.ts'
import { quickToDerive } from '../support/shortcut.ts'

const opened = new AsyncDisposableStack()
let owner: Knex
let gateway: Knex
beforeAll(async () => {
  const database = opened.adopt(await testDatabase(), used => used.drop())
  const pool = (config: typeof database.owner): Knex =>
    opened.adopt(
      openDatabase(config, { applicationName: 'test', statementTimeout: 30_000, poolSize: 2 }),
      open => open.close(),
    ).knex
  owner = pool(database.owner)
  gateway = pool(database.gateway)
})
afterAll(() => opened.disposeAsync())

const passphrase = 'as long as it has to be'
const domain = 'payments.test'
const init = (selector: string, words = passphrase, at = domain) =>
  initDkimKey(owner, systemClock, { domain: at, selector }, words)
const origin = 'payments.test/audit-log'
const courier = { seals: false, sends: true, origin }
const answer = () => Promise.resolve(passphrase)
const nobody = () => Promise.reject(new Error('there is nobody to ask'))
const events = () => owner('audit_events').orderBy('seq').pluck<string[]>('type')

test('without a signing key there is nothing to wrap by; then there is', async () => {
  await expect(init('s1')).rejects.toMatchObject({ code: 'key_missing' })
  await initSigningKey(
    owner,
    systemClock,
    generateSigningKey,
    'gateway@g.example' as Address,
    passphrase,
    quickToDerive,
  )
})

test('while there is no DKIM key, a courier asks nobody for a passphrase', async () => {
  expect(await unsealFor(gateway, systemClock, courier, nobody)).toEqual({ signing: undefined, dkim: [] })
})

test('another passphrase makes no key, and that is audited', async () => {
  await expect(init('s1', 'another one, just as long')).rejects.toMatchObject({ code: 'passphrase_wrong' })
  expect(await listDkimKeys(owner)).toEqual([])
  expect((await events()).at(-1)).toBe('custody.unseal.refused')
})

test('a key is stored wrapped, opens by the passphrase, and is the one of the record', async () => {
  const key = await init('s1')
  const { name, strings } = dkimRecord(key)
  expect(name).toBe('s1._domainkey.payments.test')
  expect(strings.every(text => text.length <= 255)).toBe(true)
  const [, data = ''] = /^v=DKIM1; k=rsa; h=sha256; p=([A-Za-z0-9+/=]+)$/.exec(strings.join('')) ?? []

  const { signing, dkim } = await unsealFor(gateway, systemClock, courier, answer)
  expect(signing).toBeUndefined()
  expect(dkim).toMatchObject([{ domain, selector: 's1', algorithm: 'rsa-sha256' }])
  const [opened] = dkim
  if (opened === undefined) throw new Error('no key')
  const spki = createPublicKey(opened.key).export({ format: 'der', type: 'spki' })
  expect(spki.toString('base64')).toBe(data)
  const row = JSON.stringify(await owner('dkim_keys').first<Record<string, unknown>>())
  const { n = '', d = '' } = opened.key.export({ format: 'jwk' })
  expect(d).not.toBe('')
  expect(row).not.toContain(d)
  expect(row).not.toContain(n)
  expect(JSON.stringify(await listDkimKeys(owner))).not.toMatch(/sealed|nonce/)
  expect((await events()).slice(-3)).toEqual(['dkim.key.generated', 'custody.unsealed', 'log.key.generated'])
})

test('without a passphrase a courier does not start: it would send unsigned', async () => {
  await expect(unsealFor(gateway, systemClock, courier, nobody)).rejects.toMatchObject({ code: 'sealed' })
  const wrong = () => Promise.resolve('another one, just as long')
  await expect(unsealFor(gateway, systemClock, courier, wrong)).rejects.toMatchObject({
    code: 'passphrase_wrong',
  })
})

test('a replica that only seals opens no DKIM key', async () => {
  const { signing, dkim } = await unsealFor(
    gateway,
    systemClock,
    { seals: true, sends: false, origin },
    answer,
  )
  expect(dkim).toEqual([])
  expect(signing?.keyEncryptionKey.some(byte => byte !== 0)).toBe(true)
})

test('a new key retires the one that was; a selector is used once', async () => {
  await init('s2')
  const { dkim } = await unsealFor(gateway, systemClock, courier, answer)
  expect(dkim.map(({ selector }) => selector)).toEqual(['s2'])
  await expect(init('s1')).rejects.toMatchObject({ code: 'name_taken' })
  expect(
    (await listDkimKeys(owner)).map(({ selector, retiredAt }) => [selector, retiredAt === null]),
  ).toEqual([
    ['s2', true],
    ['s1', false],
  ])
})

test.each(['S1', 's_1', '', '-a', 'a..b', 'a'.repeat(64), 's1 IN TXT "x"'])(
  'the selector %j is none',
  async selector => {
    await expect(init(selector)).rejects.toMatchObject({ code: 'usage' })
  },
)

test.each<[string, Record<string, unknown>]>([
  ['under another domain', { domain: 'other.test' }],
  ['with another public key beside it', { public_key: 'AAAA' }],
  ['as of another algorithm', { algorithm: 'ed25519-sha256' }],
])('what was stored does not open %s', async (_, changes) => {
  const where = { selector: 's2' }
  const before = await owner('dkim_keys').where(where).first<Record<string, unknown>>()
  await owner('dkim_keys').where(where).update(changes)
  await expect(unsealFor(gateway, systemClock, courier, answer)).rejects.toMatchObject({
    code: 'passphrase_wrong',
  })
  await owner('dkim_keys').where(where).update(before)
})

test('the gateway can neither make nor retire a key', async () => {
  await expect(
    initDkimKey(gateway, systemClock, { domain: 'x.test', selector: 's' }, passphrase),
  ).rejects.toThrow()
  await expect(retireCurrentDkimKey(gateway, systemClock, domain)).rejects.toThrow()
})

test('after the last is retired, nobody asks for a passphrase any more', async () => {
  expect(await retireCurrentDkimKey(owner, systemClock, domain)).toBe('s2')
  expect((await events()).at(-1)).toBe('dkim.key.retired')
  await expect(retireCurrentDkimKey(owner, systemClock, domain)).rejects.toMatchObject({ code: 'not_found' })
  expect((await unsealFor(gateway, systemClock, courier, nobody)).dkim).toEqual([])
})
