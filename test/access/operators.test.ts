import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  addOperator,
  listOperators,
  type OperatorRole,
  operatorsWith,
  requireRole,
  revokeOperator,
} from '../../src/access/index.ts'
import { type Address, systemClock } from '../../src/kernel/index.ts'
import { ask, openRooms, outcome, type Rooms } from './support.ts'

let rooms: Rooms
beforeAll(async () => {
  rooms = await openRooms()
})
afterAll(() => rooms.close())

function add(name: string, address = `${name}@bank.test`, roles: readonly OperatorRole[] = ['admin']) {
  return addOperator(rooms.owner, systemClock, { name, address: address as Address, roles })
}

test('an operator is added with an event, roles once each, and is listed', async () => {
  const operator = await add('anna', 'anna@bank.test', ['approver', 'admin', 'approver'])
  expect(operator).toMatchObject({ name: 'anna', roles: ['admin', 'approver'], revokedAt: null })
  expect(await listOperators(rooms.gateway)).toContainEqual(operator)
  expect(await rooms.events('operator.added')).toContainEqual(
    expect.objectContaining({
      operator: operator.id,
      roles: ['admin', 'approver'],
      actor: { kind: 'host' },
    }),
  )
})

test('a name is never given again, not even after its operator was revoked', async () => {
  await add('bert')
  expect(await outcome(add('bert', 'other@bank.test'))).toBe('name_taken')
  await revokeOperator(rooms.owner, systemClock, 'bert')
  expect(await outcome(add('bert'))).toBe('name_taken')
})

test('one person cannot be two operators: an address in force is taken, however it is written', async () => {
  await add('cleo', 'cleo@bank.test')
  expect(await outcome(add('cleo-again', 'Cleo@Bank.test', ['approver']))).toBe('name_taken')
  await revokeOperator(rooms.owner, systemClock, 'cleo')
  expect(await outcome(add('cleo-again', 'cleo@bank.test', ['approver']))).toBe('done')
})

test('two invitations of one name at once: one wins', async () => {
  const outcomes = await Promise.all([
    outcome(add('dora', 'dora-1@bank.test')),
    outcome(add('dora', 'dora-2@bank.test')),
  ])
  expect(outcomes.toSorted()).toEqual(['done', 'name_taken'])
})

test('whom to tell: those in force who have the role', async () => {
  const one = await add('emil', 'emil@bank.test', ['custodian'])
  await add('fred', 'fred@bank.test', ['custodian'])
  await add('gina', 'gina@bank.test', ['auditor'])
  await revokeOperator(rooms.owner, systemClock, 'fred')
  expect(await operatorsWith(rooms.gateway, 'custodian')).toEqual([one])
})

test('a role that is missing is refused; one of several is enough', async () => {
  const operator = await add('hans', 'hans@bank.test', ['auditor'])
  expect(() => requireRole(operator, 'admin', 'approver')).toThrow(
    expect.objectContaining({ code: 'role_missing' }),
  )
  expect(() => requireRole(operator, 'admin', 'auditor')).not.toThrow()
  expect(() => requireRole(operator)).toThrow(expect.objectContaining({ code: 'role_missing' }))
})

test('revoking withdraws what they asked for, and nothing of others', async () => {
  const [leaver, stayer] = [await add('ines'), await add('jack')]
  const [theirs, others] = [await ask(rooms.gateway, leaver), await ask(rooms.gateway, stayer)]
  await revokeOperator(rooms.owner, systemClock, 'ines')
  const state = (id: string) => rooms.owner('change_requests').where({ id }).pluck<string[]>('state')
  expect(await state(theirs.id)).toEqual(['withdrawn'])
  expect(await state(others.id)).toEqual(['pending'])
  expect(await rooms.events('operator.revoked')).toContainEqual(
    expect.objectContaining({ operator: leaver.id }),
  )
  expect(await rooms.events('change.withdrawn')).toEqual([expect.objectContaining({ change: theirs.id })])
})

test('revoking whom there is not, or not any more, is not found', async () => {
  expect(await outcome(revokeOperator(rooms.owner, systemClock, 'nobody'))).toBe('not_found')
  await add('kurt')
  await revokeOperator(rooms.owner, systemClock, 'kurt')
  expect(await outcome(revokeOperator(rooms.owner, systemClock, 'kurt'))).toBe('not_found')
})

test('a revocation without its event does not happen', async () => {
  const operator = await add('lena')
  await rooms.owner.raw(
    `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'operator.revoked') NOT VALID`,
  )
  try {
    expect(await outcome(revokeOperator(rooms.owner, systemClock, 'lena'))).toBe('audit_unavailable')
  } finally {
    await rooms.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  }
  expect(await listOperators(rooms.owner)).toContainEqual(operator)
})

test('the gateway cannot make, change or bring back an operator', async () => {
  const { id } = await add('mona')
  await revokeOperator(rooms.owner, systemClock, 'mona')
  const operators = rooms.gateway('operators')
  expect(await outcome(operators.clone().insert({ id: 'opr_x', name: 'x', address: 'x', roles: [] }))).toBe(
    '42501',
  )
  expect(await outcome(operators.clone().where({ id }).update({ revoked_at: null }))).toBe('42501')
  expect(
    await outcome(
      operators
        .clone()
        .where({ id })
        .update({ roles: ['approver'] }),
    ),
  ).toBe('42501')
  expect(await outcome(operators.clone().delete())).toBe('42501')
})
