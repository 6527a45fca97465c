import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  addOperator,
  expireSessions,
  issueSignInLink,
  operatorOf,
  revokeOperator,
  signIn,
  signOut,
} from '../../src/access/index.ts'
import type { Address, OperatorId } from '../../src/kernel/index.ts'
import { closeGate } from '../support/locks.ts'
import { openRooms, outcome, type Rooms, standingClock } from './support.ts'

let rooms: Rooms
beforeAll(async () => {
  rooms = await openRooms()
})
afterAll(() => rooms.close())

let count = 0
let clock: ReturnType<typeof standingClock>
let name: string
let id: OperatorId
beforeEach(async () => {
  clock = standingClock()
  name = `operator-${++count}`
  const address = `${name}@bank.test` as Address
  id = (await addOperator(rooms.owner, clock, { name, address, roles: ['admin'] })).id
})

const issue = async () => (await issueSignInLink(rooms.owner, clock, name)).token
const enter = (token: string) => signIn(rooms.gateway, clock, token)
const open = async () => (await enter(await issue())).session
const who = (session: string | undefined) => operatorOf(rooms.gateway, clock, session)

/** All that the database holds, in every form in which PostgreSQL shows it. */
async function everything(): Promise<string> {
  const tables = await rooms
    .owner('information_schema.tables')
    .where({ table_schema: 'public', table_type: 'BASE TABLE' })
    .pluck<string[]>('table_name')
  const dumps = await Promise.all(
    tables.map(table => rooms.owner(table).select(rooms.owner.raw('??::text AS row', [table]))),
  )
  return JSON.stringify(dumps)
}

test('a link signs in once, with its events', async () => {
  const token = await issue()
  const { operator, session } = await enter(token)
  expect(operator).toMatchObject({ id, name, roles: ['admin'], revokedAt: null })
  expect(await who(session)).toEqual(operator)
  expect(await outcome(enter(token))).toBe('link_invalid')
  expect(await rooms.events('operator.link.issued')).toContainEqual(
    expect.objectContaining({ operator: id, actor: { kind: 'host' } }),
  )
  expect(await rooms.events('operator.signed_in')).toContainEqual(
    expect.objectContaining({ operator: id, actor: { kind: 'operator', id } }),
  )
})

test('neither the token of a link nor that of a session is anywhere in the database', async () => {
  const unused = await issue()
  const before = await everything()
  const { session } = await enter(unused)
  const dump = before + (await everything())
  for (const token of [unused, session]) {
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const hex = (bytes: Buffer) => bytes.toString('hex')
    expect(dump).not.toContain(token)
    expect(dump).not.toContain(hex(Buffer.from(token)))
    expect(dump).not.toContain(hex(Buffer.from(token, 'base64url')))
    expect(dump).toContain(hex(createHash('sha256').update(token).digest()))
  }
})

test('two uses of a link at once: one wins', async () => {
  const token = await issue()
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => outcome(enter(token))))
  expect(outcomes.toSorted()).toEqual(['done', 'link_invalid', 'link_invalid', 'link_invalid'])
  expect(await rooms.owner('operator_sessions').where({ operator_id: id })).toHaveLength(1)
})

test('the second use waits for the first, and loses', async () => {
  const token = await issue()
  const gate = await closeGate(rooms.owner, rooms.database.owner, 'audit_events')
  const first = outcome(enter(token))
  await gate.reached()
  const second = outcome(enter(token))
  await rooms.blocked(2) // the first at the gate, the second behind the first
  await gate.open()
  expect([await first, await second]).toEqual(['done', 'link_invalid'])
})

test('a sign-in whose event cannot be written uses up no link', async () => {
  const token = await issue()
  await rooms.owner.raw(
    `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'operator.signed_in') NOT VALID`,
  )
  expect(await outcome(enter(token))).toBe('audit_unavailable')
  await rooms.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  expect(await outcome(enter(token))).toBe('done')
})

test('a link lives for ten minutes', async () => {
  const { token, expiresAt } = await issueSignInLink(rooms.owner, clock, name)
  expect(expiresAt.getTime() - clock.now().getTime()).toBe(600_000)
  clock.pass(9.99)
  expect(await outcome(enter(token))).toBe('done')
  const late = await issue()
  clock.pass(10)
  expect(await outcome(enter(late))).toBe('link_invalid')
})

test('a new link ends the earlier one, also when two are issued at once', async () => {
  const [first, second] = [await issue(), await issue()]
  expect(await outcome(enter(first))).toBe('link_invalid')
  expect(await outcome(enter(second))).toBe('done')
  const tokens = await Promise.all([issue(), issue(), issue()])
  const outcomes = await Promise.all(tokens.map(token => outcome(enter(token))))
  expect(outcomes.filter(result => result === 'done')).toHaveLength(1)
})

test('nobody gets a link who is not in force', async () => {
  await revokeOperator(rooms.owner, clock, name)
  expect(await outcome(issue())).toBe('not_found')
  expect(await outcome(issueSignInLink(rooms.owner, clock, 'nobody'))).toBe('not_found')
})

test.each([
  ['guessed', 'A'.repeat(43)],
  ['empty', ''],
  ['long', 'A'.repeat(100_000)],
  ['with NUL', `\0${'A'.repeat(42)}`],
  ['no text', '\ud800'],
  ['SQL', "' OR true --"],
])('a token that is %s is refused and audited, without the token', async (_, token) => {
  const refused = async () => (await rooms.events('operator.sign_in.refused')).length
  const before = await refused()
  const peer = { kind: 'peer', address: '192.0.2.7' } as const
  expect(await outcome(signIn(rooms.gateway, clock, token, peer))).toBe('link_invalid')
  expect(await refused()).toBe(before + 1)
  const event = (await rooms.events('operator.sign_in.refused')).at(-1)
  expect(event).toMatchObject({ actor: peer, code: 'link_invalid' })
  expect(Object.keys(event ?? {}).toSorted()).toEqual(['actor', 'at', 'code', 'id', 'result', 'salt', 'type'])
  expect(await outcome(who(token))).toBe('sign_in_required')
})

test('a token of one kind does not pass for one of the other', async () => {
  const token = await issue()
  expect(await outcome(who(token))).toBe('sign_in_required')
  expect(await outcome(enter((await enter(token)).session))).toBe('link_invalid')
})

describe('a session', () => {
  test('ends after 15 minutes without use', async () => {
    const session = await open()
    clock.pass(14.99)
    expect(await outcome(who(session))).toBe('done')
    clock.pass(15)
    expect(await outcome(who(session))).toBe('sign_in_required')
  })

  test('is kept alive by use, yet for 12 hours at most', async () => {
    const session = await open()
    for (let minutes = 10; minutes < 12 * 60; minutes += 10) {
      clock.pass(10)
      expect(await outcome(who(session))).toBe('done')
    }
    clock.pass(9.99)
    expect(await outcome(who(session))).toBe('done')
    clock.pass(0.01)
    expect(await outcome(who(session))).toBe('sign_in_required')
  })

  test('grows no older by a replica whose clock is behind', async () => {
    const session = await open()
    clock.pass(-5)
    expect(await outcome(who(session))).toBe('done')
    clock.pass(5 + 14.99)
    expect(await outcome(who(session))).toBe('done')
  })

  test('ends when its operator signs out; others of the operator stay', async () => {
    const [one, other] = [await open(), await open()]
    await signOut(rooms.gateway, clock, one)
    await signOut(rooms.gateway, clock, one)
    expect(await outcome(who(one))).toBe('sign_in_required')
    expect(await outcome(who(other))).toBe('done')
    const events = await rooms.events('operator.signed_out')
    expect(events.filter(({ operator }) => operator === id)).toHaveLength(1)
  })

  test('that has ended is forgotten at the next sign-in', async () => {
    await signOut(rooms.gateway, clock, await open())
    await open()
    clock.pass(16)
    await open()
    expect(await rooms.owner('operator_sessions').where({ operator_id: id })).toHaveLength(1)
  })

  test('whose time is over ends with an event, once, whoever notices', async () => {
    const ended = async () =>
      (await rooms.events('operator.session.expired')).filter(({ operator }) => operator === id)
    await expireSessions(rooms.gateway, clock)
    const before = (await ended()).length
    await open()
    const kept = await open()
    clock.pass(14)
    expect(await outcome(who(kept))).toBe('done')
    clock.pass(1)
    await Promise.all([expireSessions(rooms.gateway, clock), expireSessions(rooms.gateway, clock)])
    expect((await ended()).slice(before)).toMatchObject([{ actor: { kind: 'gateway' }, result: 'success' }])
    expect(await outcome(who(kept))).toBe('done')
    // The next sign-in forgets what is over, and does not forget to say so.
    clock.pass(16)
    await open()
    expect((await ended()).length).toBe(before + 2)
  })

  test('ends at once when its operator is revoked, like the links', async () => {
    const session = await open()
    const token = await issue()
    await revokeOperator(rooms.owner, clock, name)
    expect(await outcome(who(session))).toBe('sign_in_required')
    expect(await outcome(enter(token))).toBe('link_invalid')
    // Not only because of who they belong to.
    expect(await rooms.owner('operator_sessions').where({ operator_id: id, ended_at: null })).toEqual([])
    expect(await rooms.owner('operator_links').where({ operator_id: id })).toEqual([])
  })

  test('is asked for when there is none', async () => {
    expect(await outcome(who(undefined))).toBe('sign_in_required')
  })
})

describe('a revocation', () => {
  test('that comes between the look at a link and its use takes the link away', async () => {
    const token = await issue()
    const gate = await closeGate(rooms.owner, rooms.database.owner, 'operator_sessions')
    const entered = outcome(enter(token))
    await gate.reached()
    expect(await outcome(revokeOperator(rooms.owner, clock, name))).toBe('done')
    await gate.open()
    expect(await entered).toBe('link_invalid')
    expect(await rooms.owner('operator_sessions').where({ operator_id: id })).toEqual([])
  })

  test('that meets a sign-in under way waits for it, and ends its session', async () => {
    const token = await issue()
    const gate = await closeGate(rooms.owner, rooms.database.owner, 'audit_events')
    const entered = enter(token)
    await gate.reached()
    const revoked = outcome(revokeOperator(rooms.owner, clock, name))
    await rooms.blocked(2)
    await gate.open()
    const { session } = await entered
    expect(await revoked).toBe('done')
    expect(await outcome(who(session))).toBe('sign_in_required')
  })

  test('under way makes a sign-in wait, and fail', async () => {
    const token = await issue()
    const gate = await closeGate(rooms.owner, rooms.database.owner, 'audit_events')
    const revoked = outcome(revokeOperator(rooms.owner, clock, name))
    await gate.reached()
    const entered = outcome(enter(token))
    await rooms.blocked(2)
    await gate.open()
    expect([await revoked, await entered]).toEqual(['done', 'link_invalid'])
    expect(await rooms.owner('operator_sessions').where({ operator_id: id, ended_at: null })).toEqual([])
  })
})
