import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type ApplyChange,
  type Approvals,
  type ChangeRequest,
  findChangeRequest,
  type Operator,
  type OperatorRole,
  openApprovals,
  revokeOperator,
} from '../../src/access/index.ts'
import { newId, SealpostError, systemClock } from '../../src/kernel/index.ts'
import { closeGate } from '../support/locks.ts'
import { signedInOperator } from '../support/operators.ts'
import { applyAll, ask, openRooms, outcome, type Rooms, standingClock } from './support.ts'

let rooms: Rooms
let admin: Operator
let approver: Operator
let other: Operator
let request: ChangeRequest
beforeAll(async () => {
  rooms = await openRooms()
  // What a change changes here: a row per application of it.
  await rooms.owner.raw('CREATE TABLE applied (change text, approver text)')
  await rooms.owner.raw('GRANT SELECT, INSERT ON applied TO sealpost_gateway')
})
afterAll(() => rooms.close())
beforeEach(async () => {
  admin = await operator('admin')
  approver = await operator('approver')
  other = await operator('admin', 'approver')
  request = await ask(rooms.gateway, admin)
})

async function operator(...roles: readonly OperatorRole[]): Promise<Operator> {
  return (await signedInOperator(rooms.owner, roles)).operator
}

const record: ApplyChange = async (trx, change, by) => {
  await trx('applied').insert({ change: change.id, approver: by.id })
}

function approvals(apply: ApplyChange = record, clock = systemClock): Approvals {
  return openApprovals({ knex: rooms.gateway, clock, apply: applyAll(apply) })
}

const approve = (by: Operator, { id } = request) => outcome(approvals().approve(by, id))
const reject = (by: Operator, { id } = request) => outcome(approvals().reject(by, id))
const withdraw = (by: Operator, { id } = request) => outcome(approvals().withdraw(by, id))
const now = () => findChangeRequest(rooms.gateway, request.id)
const applied = () => rooms.owner('applied').where({ change: request.id }).pluck<string[]>('approver')

/** What the log says of the request, after it was asked for. */
async function story(): Promise<readonly string[]> {
  const bodies = await rooms
    .owner('audit_events')
    .whereLike('type', 'change.%')
    .whereLike('body', `%${request.id}%`)
    .orderBy('seq')
    .pluck<string[]>('body')
  return bodies
    .map(body => JSON.parse(body) as Record<string, string>)
    .flatMap(({ type = '', decision = '', code = '' }) =>
      type === 'change.asked' ? [] : [[type.slice('change.'.length), decision, code].join(' ').trim()],
    )
}

test('an approval by another operator applies the change, once, with its event', async () => {
  expect(await approvals().approve(approver, request.id)).toEqual(await now())
  expect(await now()).toMatchObject({ state: 'approved', decidedBy: approver.id })
  expect(await applied()).toEqual([approver.id])
  expect(await story()).toEqual(['approved'])
  expect((await rooms.events('change.approved')).at(-1)).toMatchObject({
    actor: { kind: 'operator', id: approver.id },
    kind: request.kind,
    subject: request.subject,
  })
})

test('what is applied gets the request as it was asked', async () => {
  let given: ChangeRequest | undefined
  await approvals((_, change) => Promise.resolve(void (given = change))).approve(approver, request.id)
  expect(given).toEqual(await now())
  expect(given).toMatchObject({ kind: request.kind, subject: request.subject, body: request.body })
})

test('a rejection and a withdrawal apply nothing', async () => {
  expect(await reject(approver)).toBe('done')
  expect(await now()).toMatchObject({ state: 'rejected', decidedBy: approver.id })
  const second = await ask(rooms.gateway, admin)
  expect(await withdraw(admin, second)).toBe('done')
  expect(await findChangeRequest(rooms.gateway, second.id)).toMatchObject({ state: 'withdrawn' })
  expect(await applied()).toEqual([])
  expect(await story()).toEqual(['rejected'])
})

describe('refused and audited, and the request still waits:', () => {
  afterEach(async () => {
    expect(await now()).toMatchObject({ state: 'pending', decidedBy: null, decidedAt: null })
    expect(await applied()).toEqual([])
  })

  test('approving or rejecting what oneself asked for, with both roles', async () => {
    request = await ask(rooms.gateway, other)
    expect([await approve(other), await reject(other)]).toEqual(['own_request', 'own_request'])
    expect(await story()).toEqual(['refused approved own_request', 'refused rejected own_request'])
  })

  test.each<[string, OperatorRole]>([
    ['an admin', 'admin'],
    ['an auditor', 'auditor'],
    ['a custodian', 'custodian'],
  ])('deciding as %s', async (_, role) => {
    const by = await operator(role)
    expect([await approve(by), await reject(by)]).toEqual(['role_missing', 'role_missing'])
    expect(await story()).toEqual(['refused approved role_missing', 'refused rejected role_missing'])
  })

  test('withdrawing what somebody else asked for', async () => {
    expect([await withdraw(other), await withdraw(approver)]).toEqual(['role_missing', 'role_missing'])
    expect(await story()).toEqual(['refused withdrawn role_missing', 'refused withdrawn role_missing'])
  })

  test('deciding by an operator who was revoked since they were looked up', async () => {
    await revokeOperator(rooms.owner, systemClock, approver.name)
    expect([await approve(approver), await reject(approver)]).toEqual([
      'sign_in_required',
      'sign_in_required',
    ])
    // The same without the guard of the database, which holds for the gateway's role.
    const host = openApprovals({ knex: rooms.owner, clock: systemClock, apply: applyAll(record) })
    expect(await outcome(host.approve(approver, request.id))).toBe('sign_in_required')
  })

  test('approving what does not fit any more', async () => {
    const stale: ApplyChange = async (trx, change, by) => {
      await record(trx, change, by)
      throw new SealpostError('state_conflict')
    }
    expect(await outcome(approvals(stale).approve(approver, request.id))).toBe('state_conflict')
    expect(await story()).toEqual(['refused approved state_conflict'])
  })

  test('approving what was stored in another form than this version knows', async () => {
    await rooms.owner.raw('ALTER TABLE change_requests DISABLE TRIGGER change_requests_guard')
    await rooms.owner('change_requests').where({ id: request.id }).update({ body: '{"more":1}' })
    await rooms.owner.raw('ALTER TABLE change_requests ENABLE TRIGGER change_requests_guard')
    expect(await approve(approver)).toBe('invalid_request')
  })

  test('approving when the database refuses the change itself, which is no refusal of ours', async () => {
    const broken: ApplyChange = async trx => {
      await trx.raw('SELECT 1 / 0')
    }
    expect(await outcome(approvals(broken).approve(approver, request.id))).toBe('22012')
    expect(await story()).toEqual([])
  })

  test('approving when the event cannot be written', async () => {
    await rooms.owner.raw(
      `ALTER TABLE audit_events ADD CONSTRAINT full_disk CHECK (type <> 'change.approved') NOT VALID`,
    )
    expect(await approve(approver)).toBe('audit_unavailable')
    await rooms.owner.raw('ALTER TABLE audit_events DROP CONSTRAINT full_disk')
  })
})

test('after seven days it cannot be approved, rejected or withdrawn: it has expired', async () => {
  const clock = standingClock()
  const asked = async () => (request = await ask(rooms.gateway, admin, undefined, clock))
  await asked()
  clock.pass(7 * 24 * 60 - 1)
  expect(await outcome(approvals(record, clock).approve(approver, request.id))).toBe('done')
  for (const [decision, by] of [
    ['approve', approver],
    ['reject', approver],
    ['withdraw', admin],
  ] as const) {
    await asked()
    clock.pass(7 * 24 * 60)
    expect(await outcome(approvals(record, clock)[decision](by, request.id))).toBe('state_conflict')
    expect(await now()).toMatchObject({ state: 'expired', decidedBy: null })
    expect(await story()).toEqual(['expired', expect.stringContaining('state_conflict')])
    expect(await applied()).toEqual([])
  }
})

test.each(['approve', 'reject', 'withdraw'] as const)(
  'to %s what is not there: not found',
  async decision => {
    const { [decision]: decide } = approvals()
    for (const id of ['', 'chg_x', newId('chg', systemClock)]) {
      expect(await outcome(decide(other, id))).toBe('not_found')
    }
  },
)

test('the asker revoked: what they asked for is withdrawn, and cannot be approved', async () => {
  await revokeOperator(rooms.owner, systemClock, admin.name)
  expect(await approve(approver)).toBe('state_conflict')
  expect(await now()).toMatchObject({ state: 'withdrawn', decidedBy: null })
  expect(await applied()).toEqual([])
})

test('a revoked operator asks for nothing', async () => {
  await revokeOperator(rooms.owner, systemClock, admin.name)
  expect(await outcome(ask(rooms.gateway, admin))).toBe('sign_in_required')
  expect(await outcome(ask(rooms.owner, admin))).toBe('sign_in_required')
})

describe('at once:', () => {
  test('many approvals and rejections, and a withdrawal: exactly one decides', async () => {
    const outcomes = await Promise.all([
      approve(approver),
      approve(other),
      reject(approver),
      approve(approver),
      withdraw(admin),
      reject(other),
    ])
    expect(outcomes.toSorted()).toEqual(['done', ...Array<string>(5).fill('state_conflict')])
    const { state } = await now()
    expect(await applied()).toHaveLength(state === 'approved' ? 1 : 0)
    expect((await story()).toSorted()).toHaveLength(6)
  })

  /** Stops `first` when all of it is done but its event, starts `second` behind it, then lets both go. */
  async function behind(first: () => Promise<string>, second: () => Promise<string>): Promise<string[]> {
    const gate = await closeGate(rooms.owner, rooms.database.owner, 'audit_events')
    const one = first()
    await gate.reached()
    const two = second()
    await rooms.blocked(2)
    expect(await Promise.race([two, Promise.resolve('waits')])).toBe('waits')
    await gate.open()
    return [await one, await two]
  }

  test('the second of two approvals waits for the first, and finds it decided', async () => {
    expect(
      await behind(
        () => approve(approver),
        () => approve(other),
      ),
    ).toEqual(['done', 'state_conflict'])
    expect(await applied()).toEqual([approver.id])
    expect(await story()).toEqual(['approved', 'refused approved state_conflict'])
  })

  test('a withdrawal behind an approval is too late', async () => {
    expect(
      await behind(
        () => approve(approver),
        () => withdraw(admin),
      ),
    ).toEqual(['done', 'state_conflict'])
    expect(await applied()).toEqual([approver.id])
  })

  test('an approval behind a withdrawal applies nothing', async () => {
    expect(
      await behind(
        () => withdraw(admin),
        () => approve(approver),
      ),
    ).toEqual(['done', 'state_conflict'])
    expect(await applied()).toEqual([])
  })

  const revoke = ({ name }: Operator) => outcome(revokeOperator(rooms.owner, systemClock, name))

  test('an approval by somebody whose revocation is under way waits for it, and fails', async () => {
    expect(
      await behind(
        () => revoke(approver),
        () => approve(approver),
      ),
    ).toEqual(['done', 'sign_in_required'])
    expect(await now()).toMatchObject({ state: 'pending' })
    expect(await applied()).toEqual([])
  })

  test("a revocation waits for its operator's approval: none commits after it", async () => {
    expect(
      await behind(
        () => approve(approver),
        () => revoke(approver),
      ),
    ).toEqual(['done', 'done'])
    const types = await rooms
      .owner('audit_events')
      .whereLike('body', `%${approver.id}%`)
      .orderBy('seq')
      .pluck<string[]>('type')
    expect(types.slice(-2)).toEqual(['change.approved', 'operator.revoked'])
  })

  test('a revocation of the asker behind the approval leaves it approved, without a deadlock', async () => {
    // The change writes a reference to its asker, for whom the revocation holds a lock.
    const attest: ApplyChange = async (trx, change, by) => {
      await record(trx, change, by)
      await ask(trx, admin)
    }
    const first = () => outcome(approvals(attest).approve(approver, request.id))
    expect(await behind(first, () => revoke(admin))).toEqual(['done', 'done'])
    expect(await now()).toMatchObject({ state: 'approved' })
  })

  test('an approval behind the revocation of the asker finds the request withdrawn', async () => {
    expect(
      await behind(
        () => revoke(admin),
        () => approve(approver),
      ),
    ).toEqual(['done', 'state_conflict'])
    expect(await now()).toMatchObject({ state: 'withdrawn' })
  })

  test('a request asked while its asker is revoked is withdrawn with the others', async () => {
    let late: ChangeRequest | undefined
    const asked = () => outcome(ask(rooms.gateway, admin).then(made => (late = made)))
    expect(await behind(asked, () => revoke(admin))).toEqual(['done', 'done'])
    expect(await findChangeRequest(rooms.gateway, late?.id ?? '')).toMatchObject({ state: 'withdrawn' })
  })
})

describe('the database itself keeps the gateway from', () => {
  const set = (values: object, { id } = request) =>
    outcome(rooms.gateway('change_requests').where({ id }).update(values))
  const decision = (by: Operator) => ({ state: 'approved', decided_by: by.id, decided_at: new Date() })

  test("approving in the asker's own name", async () => {
    request = await ask(rooms.gateway, other)
    expect(await set(decision(other))).toBe('23514')
  })

  test('approving in the name of one without the role, or of one who was revoked', async () => {
    expect(await set(decision(await operator('auditor')))).toBe('42501')
    await revokeOperator(rooms.owner, systemClock, approver.name)
    expect(await set(decision(approver))).toBe('42501')
  })

  test('approving in nobody’s name, or too late', async () => {
    expect(await set({ ...decision(approver), decided_by: null })).not.toBe('done')
    const late = new Date(request.expiresAt.getTime())
    expect(await set({ ...decision(approver), decided_at: late })).toBe('23514')
  })

  test('deciding again', async () => {
    await reject(approver)
    expect(await set(decision(approver))).toBe('23514')
    expect(await set({ state: 'pending', decided_by: null, decided_at: null })).toBe('23514')
  })

  test('changing what was asked, by whom, or until when', async () => {
    for (const values of [
      { body: '{"x":1}' },
      { subject: 'x' },
      { kind: 'policy.adopt' },
      { asked_by: other.id },
      { expires_at: new Date('2100-01-01') },
    ]) {
      expect(await set(values)).toBe('42501')
    }
    expect(await outcome(rooms.gateway('change_requests').delete())).toBe('42501')
  })

  test('inserting what is approved already, or asked by one who may not', async () => {
    const row = {
      id: newId('chg', systemClock),
      kind: 'policy.adopt',
      subject: 'x',
      body: '{}',
      state: 'pending',
      asked_by: admin.id,
      asked_at: new Date(),
      expires_at: new Date('2100-01-01'),
    }
    const insert = (values: object) => outcome(rooms.gateway('change_requests').insert({ ...row, ...values }))
    expect(await insert(decision(approver))).toBe('42501')
    expect(await insert({ asked_by: approver.id })).toBe('42501')
    expect(await insert({})).toBe('done')
  })
})
