import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Actor, type AuditEvent, appendEvents, recomputeHash } from '../../src/audit/index.ts'
import { type ApplicationId, newId, type RecipientId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 2 }
const actor: Actor = { kind: 'host' }
const application: ApplicationId = newId('app', systemClock)
const added: AuditEvent = { type: 'application.added', application, san: 'URI:urn:test:billing' }

let database: TestDatabase
let owner: Database

beforeAll(async () => {
  database = await testDatabase()
  owner = openDatabase(database.owner, session)
})

afterAll(async () => {
  await owner.close()
  await database.drop()
})

beforeEach(async () => {
  await owner.knex('applications').delete()
})

interface Row {
  readonly id: string
  readonly at: Date
  readonly type: string
  readonly body: string
  readonly hash: Buffer
}

function effect(events: readonly AuditEvent[]): Promise<void> {
  return owner.knex.transaction(async trx => {
    await trx('applications').insert({
      id: application,
      name: 'n',
      san: 's',
      senders: [],
      created_at: new Date(),
    })
    await appendEvents(
      trx,
      systemClock,
      events.map(event => ({ actor, event })),
    )
  })
}

const rows = (): Promise<Row[]> => owner.knex('audit_events').orderBy('seq').select<Row[]>('*')
const effects = (): Promise<string[]> => owner.knex('applications').pluck<string[]>('id')

test('events and their effect commit together, in the order given', async () => {
  const before = (await rows()).length
  await effect([added, { type: 'application.revoked', application }])
  expect(await effects()).toEqual([application])
  const [first, second] = (await rows()).slice(before)
  expect(first).toMatchObject({ type: 'application.added' })
  expect(second).toMatchObject({ type: 'application.revoked' })
  expect(JSON.parse(first?.body ?? '')).toMatchObject({
    ...added,
    actor,
    id: first?.id,
    at: first?.at.toISOString(),
  })
})

test('the hash of a stored event is SHA-256 over 0x00 and its body, and recomputes', async () => {
  await effect([added])
  for (const { body, hash } of await rows()) {
    const outside = createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), Buffer.from(body)]))
      .digest('hex')
    expect(hash.toString('hex')).toBe(outside)
    expect(recomputeHash(body).equals(hash)).toBe(true)
    expect(recomputeHash(body.replace('billing', 'killing')).equals(hash)).toBe(!body.includes('billing'))
  }
})

test('two equal events differ, so that a hash does not tell a guess', async () => {
  await effect([added, added])
  const salts = (await rows()).map(({ body }) => (JSON.parse(body) as { salt: string }).salt)
  expect(new Set(salts).size).toBe(salts.length)
  expect(salts.every(salt => /^[0-9a-f]{32}$/.test(salt))).toBe(true)
})

test('a body is canonical: names sorted, no spaces', async () => {
  await effect([added])
  const body = (await rows()).at(-1)?.body ?? ''
  expect(body).toMatch(
    /^\{"actor":\{"kind":"host"\},"application":"app_[0-9a-z]{26}","at":"[^"]+","from":\{"listener":"host"\},"id":"evt_[0-9a-z]{26}","result":"success","salt":"[0-9a-f]{32}","san":"URI:urn:test:billing","type":"application\.added"\}$/,
  )
})

describe('the effect does not happen', () => {
  test('when the INSERT of its event fails', async () => {
    await owner.knex.raw(
      `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'application.added') NOT VALID`,
    )
    try {
      await expect(effect([added])).rejects.toMatchObject({
        code: 'audit_unavailable',
        details: { detail: '23514', cause: { constraint: 'full_disk' } },
      })
    } finally {
      await owner.knex.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
    }
    expect(await effects()).toEqual([])
  })

  const canary = '4111111111111111'
  test.each([
    ['a card number', `URI:urn:${canary}`],
    ['a card number with spaces', '4111 1111 1111 1111'],
    ['a card number with dashes', '4111-1111-1111-1111'],
    ['a line break', 'URI:a\nb'],
    ['an escape sequence', 'URI:\u001b[31m'],
    ['a C1 control', 'URI:\u009b31m'],
    ['half a surrogate pair', 'URI:\ud800'],
    ['more than 256 characters', 'x'.repeat(257)],
  ])('when an event holds %s', async (_, san) => {
    const before = (await rows()).length
    const error = await effect([added, { ...added, san }]).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'internal_error' })
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain(canary)
    expect(await effects()).toEqual([])
    expect(await rows()).toHaveLength(before)
  })

  test.each([
    ['undefined', undefined],
    ['not a number', Number.NaN],
    ['a big integer', 1n],
    ['a date', new Date()],
    ['bytes', Buffer.from('x')],
  ])('when a cast brings in %s', async (_, san) => {
    await expect(effect([{ ...added, san } as never])).rejects.toMatchObject({ code: 'internal_error' })
    expect(await effects()).toEqual([])
  })
})

test('digests, fingerprints, ids and addresses pass although their digits may pass for a card number', async () => {
  const digits = '4111111111111111'
  const fingerprint = `${digits}ABCDEFABCDEFABCDEFABCDEF`
  const recipient = `rcp_${digits}abcdefghjk` as RecipientId
  await effect([{ type: 'recipient.activated', recipient, certificate: fingerprint }])
  await owner.knex.transaction(trx =>
    appendEvents(trx, systemClock, [
      // 255 255 255 251: twelve digits that pass Luhn.
      {
        actor: { kind: 'peer', address: '255.255.255.251' },
        event: { type: 'client.refused', reason: 'expired' },
      },
    ]),
  )
})

test('no event, no statement', async () => {
  const before = (await rows()).length
  await effect([])
  expect(await rows()).toHaveLength(before)
})

test('no event is refused for the digits of its salt, a digest or a fingerprint', async () => {
  const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
  const events = Array.from(
    { length: 500 },
    (): AuditEvent => ({
      type: 'gateway.started',
      roles: [],
      version: hex(20).toUpperCase(),
      configSha256: hex(32),
    }),
  )
  await expect(effect(events)).resolves.toBeUndefined()
})
