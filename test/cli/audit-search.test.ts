import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordEvent } from '../../src/audit/index.ts'
import { newId, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import { asOwnerOf, command } from '../support/command.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const opened = new AsyncDisposableStack()
let database: TestDatabase
let owner: Knex
beforeAll(async () => {
  database = opened.adopt(await testDatabase(), used => used.drop())
  const session = { applicationName: 'test', statementTimeout: 30_000, poolSize: 1 }
  owner = opened.adopt(openDatabase(database.owner, session), pool => pool.close()).knex
})
afterAll(() => opened.disposeAsync())

function search(...args: readonly string[]) {
  return command(['audit', 'search', ...args], asOwnerOf(database))
}

test('what somebody asks for on the host is found, and that they asked is on record', async () => {
  const recipient = newId('rcp', systemClock)
  for (const type of ['recipient.unenrolled', 'enrolment.link.used'] as const) {
    await recordEvent(owner, systemClock, { kind: 'host' }, { type, recipient })
  }
  await owner.raw(
    'INSERT INTO audit_leaves (leaf, seq) SELECT row_number() OVER (ORDER BY seq) - 1, seq FROM audit_events',
  )
  const { status, stdout } = await search(
    '--recipient',
    recipient,
    '--type',
    'recipient.unenrolled',
    '--json',
  )
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    events: [{ leaf: 0, type: 'recipient.unenrolled', recipient }],
    next: null,
  })
  expect(stdout).not.toContain('salt')
  const [body = ''] = await owner('audit_events').orderBy('seq', 'desc').limit(1).pluck<string[]>('body')
  expect(JSON.parse(body)).toMatchObject({
    type: 'audit.read',
    actor: { kind: 'host' },
    filters: { recipient, type: 'recipient.unenrolled' },
    count: 1,
  })
})

test('what is of no form is refused, and is not kept', async () => {
  const before = await owner('audit_events').count()
  for (const [name, value] of [
    ['--domain', '4111111111111111.example'],
    ['--type', 'no.such'],
    ['--from', 'yesterday'],
    ['--recipient', 'x'],
  ] as const) {
    const { status, stderr } = await search(name, value)
    expect([name, status]).toEqual([name, 2])
    expect(stderr).not.toContain('4111')
  }
  expect(await owner('audit_events').count()).toEqual(before)
})
