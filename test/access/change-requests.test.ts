import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Change,
  expireChangeRequests,
  findChangeRequest,
  listChangeRequests,
  type Operator,
  openApprovals,
  voidChangeRequests,
} from '../../src/access/index.ts'
import { newId, type RecipientId, systemClock } from '../../src/kernel/index.ts'
import { signedInOperator, twoOperators } from '../support/operators.ts'
import { applyAll, ask, openRooms, outcome, type Rooms, someChange, standingClock } from './support.ts'

let rooms: Rooms
let admin: Operator
let approver: Operator
beforeAll(async () => {
  rooms = await openRooms()
  const two = await twoOperators(rooms.owner)
  admin = two.admin.operator
  approver = two.approver.operator
})
afterAll(() => rooms.close())

const recipient: RecipientId = newId('rcp', systemClock)
const attestation = {
  kind: 'aoc',
  reference: 'AOC 2026, §4 – Zürich',
  validUntil: '2027-01-01T00:00:00Z',
} as const
const good: readonly Change[] = [
  {
    kind: 'recipient.activate',
    subject: newId('prp', systemClock),
    body: { recipient, certificate: 'A'.repeat(40) },
  },
  { kind: 'recipient.reinstate', subject: recipient, body: {} },
  {
    kind: 'recipient.attest',
    subject: recipient,
    body: { attestations: [attestation] },
  },
  {
    kind: 'policy.adopt',
    subject: 'standard',
    body: {
      policy: 'standard',
      sha256: 'a'.repeat(64),
      effectiveAt: '2026-12-01T00:00:00Z',
      expiresAt: '2027-12-01T00:00:00.000Z',
      assessed: 2,
      refused: [
        { fingerprint: 'A'.repeat(64), reasons: ['rsa_too_small'], from: '2026-12-01T00:00:00.000Z' },
      ],
    },
  },
]

test.each(good)('$kind is asked for, with its event, and read back as it was asked', async change => {
  const request = await ask(rooms.gateway, admin, change)
  expect(request).toMatchObject({ ...change, state: 'pending', askedBy: admin.id, decidedAt: null })
  expect(request.expiresAt.getTime() - request.askedAt.getTime()).toBe(7 * 86_400_000)
  expect(await findChangeRequest(rooms.gateway, request.id)).toEqual(request)
  expect((await rooms.events('change.asked')).at(-1)).toMatchObject({
    actor: { kind: 'operator', id: admin.id },
    change: request.id,
    kind: change.kind,
    subject: change.subject,
  })
})

test.each([
  ['an approver', ['approver']],
  ['an auditor', ['auditor']],
  ['a custodian', ['custodian']],
] as const)('%s cannot ask', async (_, roles) => {
  const { operator } = await signedInOperator(rooms.owner, roles)
  expect(await outcome(ask(rooms.gateway, operator))).toBe('role_missing')
})

const canary = '4111111111111111'
const attesting = (wrong: object) => ({ attestations: [{ ...attestation, ...wrong }] })
test.each<[string, string, object]>([
  ['a recipient where a proposal belongs', 'recipient.activate', { subject: recipient }],
  ['half a fingerprint', 'recipient.activate', { body: { recipient, certificate: 'A'.repeat(16) } }],
  ['no body', 'recipient.attest', { body: undefined }],
  ['a field too many', 'recipient.reinstate', { body: { [canary]: canary } }],
  ['a card number', 'recipient.attest', { body: attesting({ reference: canary }) }],
  ['a line break', 'recipient.attest', { body: attesting({ reference: 'a\nb' }) }],
  ['an invisible character', 'recipient.attest', { body: attesting({ reference: 'a\u202eb' }) }],
  ['a time without a zone', 'recipient.attest', { body: attesting({ validUntil: '2027-01-01T00:00:00' }) }],
  ['a policy named by a path', 'policy.adopt', { subject: '../standard' }],
])('%s is refused, and not repeated', async (_, kind, wrong: { subject?: string; body?: object }) => {
  const right = good.find(change => change.kind === kind)
  const change = { ...right, ...wrong, body: wrong.body && { ...right?.body, ...wrong.body } }
  if (!('body' in wrong)) change.body = right?.body
  const error: unknown = await ask(rooms.gateway, admin, change as Change).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'invalid_request' })
  const { errors = [] } = (error as { details: { errors?: { pointer: string }[] } }).details
  expect(errors[0]?.pointer).toMatch(wrong.subject === undefined ? /^\/body/ : /^\/subject$/)
  expect(JSON.stringify(errors)).not.toContain(canary)
})

test('one request of a kind and subject waits at a time, also when two are asked at once', async () => {
  const change = someChange()
  const outcomes = await Promise.all([1, 2, 3].map(() => outcome(ask(rooms.gateway, admin, change))))
  expect(outcomes.toSorted()).toEqual(['done', 'state_conflict', 'state_conflict'])
  expect(await outcome(ask(rooms.gateway, admin, someChange()))).toBe('done')
})

test('once it is decided, the same can be asked anew', async () => {
  const change = someChange()
  const { id } = await ask(rooms.gateway, admin, change)
  const approvals = openApprovals({
    knex: rooms.gateway,
    clock: systemClock,
    apply: applyAll(() => Promise.resolve()),
  })
  await approvals.reject(approver, id)
  expect(await outcome(ask(rooms.gateway, admin, change))).toBe('done')
})

test('what cannot be applied any more is void, at once: nobody decided it, nobody can, and it may be asked anew', async () => {
  const [change, other] = [someChange(), someChange()]
  const { id } = await ask(rooms.gateway, admin, change)
  const { id: stays } = await ask(rooms.gateway, admin, other)
  const actor = { kind: 'operator', id: approver.id } as const
  const end = (): Promise<void> =>
    rooms.gateway.transaction(trx =>
      voidChangeRequests(trx, systemClock, actor, [change.subject], 'unenrolled'),
    )
  await end()
  await end()
  expect(await findChangeRequest(rooms.gateway, id)).toMatchObject({ state: 'void', decidedBy: null })
  expect(await findChangeRequest(rooms.gateway, stays)).toMatchObject({ state: 'pending' })
  const events = (await rooms.events('change.voided')).filter(event => event['change'] === id)
  expect(events).toMatchObject([{ actor, kind: change.kind, subject: change.subject, reason: 'unenrolled' }])
  const approvals = openApprovals({
    knex: rooms.gateway,
    clock: systemClock,
    apply: applyAll(() => Promise.reject(new Error('applied'))),
  })
  expect(await outcome(approvals.approve(approver, id))).toBe('state_conflict')
  expect(await outcome(approvals.reject(approver, id))).toBe('state_conflict')
  expect(await outcome(approvals.withdraw(admin, id))).toBe('state_conflict')
  expect(await outcome(ask(rooms.gateway, admin, change))).toBe('done')
})

test('the database refuses a void request that somebody decided, or that has no time of its end', async () => {
  const { id } = await ask(rooms.gateway, admin)
  const request = rooms.gateway('change_requests').where({ id })
  const decided = { state: 'void', decided_by: approver.id, decided_at: new Date() }
  expect(await outcome(request.clone().update(decided))).toBe('23514')
  expect(await outcome(request.clone().update({ state: 'void' }))).toBe('23514')
})

test('what nobody decided in seven days gives way to a new request', async () => {
  const clock = standingClock()
  const change = someChange()
  const first = await ask(rooms.gateway, admin, change, clock)
  clock.pass(7 * 24 * 60 - 1)
  expect(await outcome(ask(rooms.gateway, admin, change, clock))).toBe('state_conflict')
  clock.pass(1)
  expect(await outcome(ask(rooms.gateway, admin, change, clock))).toBe('done')
  expect(await findChangeRequest(rooms.gateway, first.id)).toMatchObject({
    state: 'expired',
    decidedBy: null,
  })
  expect((await rooms.events('change.expired')).at(-1)).toMatchObject({
    actor: { kind: 'gateway' },
    change: first.id,
  })
})

test('upkeep settles what has expired, once, with its events', async () => {
  const clock = standingClock()
  const [one, two] = [
    await ask(rooms.gateway, admin, someChange(), clock),
    await ask(rooms.gateway, admin, someChange(), clock),
  ]
  clock.pass(7 * 24 * 60)
  const fresh = await ask(rooms.gateway, admin, someChange(), clock)
  const expire = () => rooms.gateway.transaction(trx => expireChangeRequests(trx, clock))
  const settled = (await expire()).map(({ id }) => id)
  expect(settled).toEqual(expect.arrayContaining([one.id, two.id]))
  expect(settled).not.toContain(fresh.id)
  expect(await expire()).toEqual([])
  const events = (await rooms.events('change.expired')).map(({ change }) => change)
  for (const { id } of [one, two]) expect(events.filter(change => change === id)).toHaveLength(1)
})

test('a request that is not written down is not asked: its event and it are one', async () => {
  await rooms.owner.raw(
    `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'change.asked') NOT VALID`,
  )
  const change = someChange()
  expect(await outcome(ask(rooms.gateway, admin, change))).toBe('audit_unavailable')
  await rooms.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  expect(await rooms.owner('change_requests').where({ subject: change.subject })).toEqual([])
})

describe('the list', () => {
  test('goes from the newest on, page by page, by state', async () => {
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.unshift((await ask(rooms.gateway, admin)).id)
    const first = await listChangeRequests(rooms.gateway, { state: 'pending', limit: 2 })
    const second = await listChangeRequests(rooms.gateway, {
      limit: 3,
      after: first[1]?.id,
      state: 'pending',
    })
    expect([...first, ...second].map(({ id }) => id)).toEqual(ids.slice(0, 5))
    const expired = await listChangeRequests(rooms.gateway, { state: 'expired', limit: 200 })
    expect(expired.length).toBeGreaterThan(0)
    expect(expired.every(({ state }) => state === 'expired')).toBe(true)
  })

  test('never gives more than 200', async () => {
    const query = listChangeRequests(rooms.gateway, { limit: 1_000_000 })
    expect((await query).length).toBeLessThanOrEqual(200)
    expect(await outcome(listChangeRequests(rooms.gateway, { limit: -1 }))).toBe('done')
  })
})

test.each(['chg_', 'x', '', `chg_${'0'.repeat(26)}`])('there is no request %j', async id => {
  expect(await outcome(findChangeRequest(rooms.gateway, id))).toBe('not_found')
})
