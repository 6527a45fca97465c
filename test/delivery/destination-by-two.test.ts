import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChangeRequest, type Operator, openApprovals } from '../../src/access/index.ts'
import {
  type DestinationRule,
  destinationChange,
  setFirstDestination,
  showDestination,
  wishDestination,
} from '../../src/delivery/index.ts'
import { systemClock } from '../../src/kernel/index.ts'
import { createAuthority } from '../../src/platform/pki/index.ts'
import { applyAll, ask, openRooms, outcome, type Rooms } from '../access/support.ts'
import { noticeSender } from '../support/notices.ts'
import { signedInOperator } from '../support/operators.ts'
import { setDestination } from '../support/shortcut.ts'

const auto: DestinationRule = { mode: 'auto' }
const secure: DestinationRule = {
  mode: 'secure',
  hosts: [{ name: 'mx.bank.test', port: 25, tls: 'starttls' }],
}
const pin = createHash('sha256').update('their key').digest('base64')
const pinned: DestinationRule = { ...secure, mode: 'pinned', pins: { spkiSha256: [pin] } }

let rooms: Rooms
let ada: Operator
let grace: Operator
let both: Operator
beforeAll(async () => {
  rooms = await openRooms()
  const operator = async (...roles: Operator['roles']) =>
    (await signedInOperator(rooms.owner, roles)).operator
  ada = await operator('admin')
  grace = await operator('approver')
  both = await operator('admin', 'approver')
})
afterAll(() => rooms.close())

let count = 0
const domain = () => `d${++count}.bank.test`
const approvals = () => {
  const elsewhere = applyAll(() => Promise.reject(new Error('not here')))
  return openApprovals({
    knex: rooms.gateway,
    clock: systemClock,
    apply: { ...elsewhere, 'destination.set': destinationChange(systemClock) },
  })
}
const wish = (name: string, rule: DestinationRule | null, by = ada) =>
  wishDestination(rooms.gateway, systemClock, by, { domain: name, rule }, noticeSender)
const asked = async (name: string, rule: DestinationRule | null, by = ada): Promise<ChangeRequest> => {
  const done = await wish(name, rule, by)
  if (done.outcome !== 'asked') throw new Error('it was set at once')
  return done.change
}
const shown = (name: string) => showDestination(rooms.gateway, name)
const ruleOf = async (name: string) => (await shown(name)).rule

describe('the first rule of a domain', () => {
  test('auto holds at once, by one admin, with an event of theirs', async () => {
    const name = domain()
    expect(await wish(name, auto)).toMatchObject({
      outcome: 'set',
      destination: { domain: name, rule: auto },
    })
    const { rule, sha256, history } = await shown(name)
    expect(rule).toEqual(auto)
    expect(sha256).toBe(createHash('sha256').update('{"mode":"auto"}').digest('hex'))
    expect(history).toMatchObject([
      { type: 'destination.set', mode: 'auto', sha256, actor: { kind: 'operator', id: ada.id } },
    ])
    expect(history[0]).not.toHaveProperty('salt')
  })

  test.each([secure, pinned])('$mode waits for a second person', async rule => {
    const name = domain()
    const { id } = await asked(name, rule)
    expect(await ruleOf(name)).toBeNull()
    await approvals().approve(grace, id)
    const { rule: held, sha256, history, waiting } = await shown(name)
    expect(held).toEqual(rule)
    expect(waiting).toBeNull()
    expect(history).toMatchObject([
      {
        type: 'destination.set',
        mode: rule.mode,
        sha256,
        change: id,
        actor: { kind: 'operator', id: grace.id },
      },
    ])
  })

  test('set by the host, is auto and nothing else, and is its only one', async () => {
    const name = domain()
    const host = (rule: DestinationRule) =>
      setFirstDestination(rooms.owner, systemClock, { domain: name, rule })
    expect(await outcome(host(pinned))).toBe('second_person_needed')
    expect(await ruleOf(name)).toBeNull()
    await host({ mode: 'auto', floor: 'dane' })
    expect(await outcome(host(auto))).toBe('second_person_needed')
    expect(await shown(name)).toMatchObject({
      rule: { mode: 'auto', floor: 'dane' },
      history: [{ mode: 'auto', actor: { kind: 'host' } }],
    })
  })

  test('auto, set while another was asked for, makes that void', async () => {
    const name = domain()
    const { id } = await asked(name, pinned)
    await wish(name, auto)
    expect(await outcome(approvals().approve(grace, id))).toBe('state_conflict')
    expect(await rooms.owner('change_requests').where({ id }).first('state')).toEqual({ state: 'void' })
    expect(await ruleOf(name)).toEqual(auto)
  })
})

describe('at the same time', () => {
  test('two admins set the first rule: it is set once, and the other is told', async () => {
    const name = domain()
    const outcomes = await Promise.all([outcome(wish(name, auto)), outcome(wish(name, auto, both))])
    expect(outcomes.toSorted()).toEqual(['done', 'state_conflict'])
    expect((await shown(name)).history).toHaveLength(1)
  })

  test('one is approved while another is set: either comes first, and neither is lost', async () => {
    for (let i = 0; i < 8; i++) {
      const name = domain()
      const { id } = await asked(name, pinned)
      const [approved, set] = await Promise.all([
        outcome(approvals().approve(grace, id)),
        outcome(wish(name, auto)),
      ])
      // Where the approval was first, the wish asked for another rule.
      expect(set).toBe('done')
      const { rule, waiting, history } = await shown(name)
      expect(history).toHaveLength(1)
      if (approved === 'done') {
        expect(rule).toEqual(pinned)
        expect(waiting?.body).toMatchObject({ rule: auto })
      } else {
        expect([approved, rule, waiting]).toEqual(['state_conflict', auto, null])
      }
    }
  })
})

describe('another rule', () => {
  test('waits for a second person, and so does taking it away', async () => {
    const name = domain()
    await wish(name, auto)
    const change = await asked(name, secure)
    expect(await ruleOf(name)).toEqual(auto)
    expect((await shown(name)).waiting?.id).toBe(change.id)
    expect(await outcome(wish(name, pinned))).toBe('state_conflict')
    await approvals().approve(grace, change.id)
    expect(await ruleOf(name)).toEqual(secure)

    const { id } = await asked(name, null)
    await approvals().approve(grace, id)
    const { rule, history } = await shown(name)
    expect(rule).toBeNull()
    expect(history.map(({ type }) => type)).toEqual([
      'destination.removed',
      'destination.set',
      'destination.set',
    ])
    expect(await outcome(wish(name, null))).toBe('not_found')
  })

  test('weaker or stronger, auto is none that one admin could go back to', async () => {
    const name = domain()
    await approvals().approve(grace, (await asked(name, pinned)).id)
    await asked(name, auto)
    expect(await ruleOf(name)).toEqual(pinned)
  })

  test('is not approved by who asked, by an admin, nor twice', async () => {
    const name = domain()
    const { id } = await asked(name, pinned, both)
    expect(await outcome(approvals().approve(both, id))).toBe('own_request')
    expect(await outcome(approvals().approve(ada, id))).toBe('role_missing')
    expect(await ruleOf(name)).toBeNull()
    await approvals().approve(grace, id)
    expect(await outcome(approvals().approve(grace, id))).toBe('state_conflict')
  })

  test('is told to every approver but the one who asks, with a first auto to nobody', async () => {
    const waiting = async (who: Operator) =>
      Number(
        (await rooms.owner('notices').where({ operator_id: who.id, kind: 'change_waiting' }).count())[0]?.[
          'count'
        ],
      )
    const before = [await waiting(grace), await waiting(both), await waiting(ada)]
    const name = domain()
    await wish(name, auto)
    expect([await waiting(grace), await waiting(both), await waiting(ada)]).toEqual(before)
    await asked(name, secure, both)
    expect([await waiting(grace), await waiting(both), await waiting(ada)]).toEqual([
      (before[0] ?? 0) + 1,
      before[1],
      before[2],
    ])
  })

  test('rejected, changes nothing', async () => {
    const name = domain()
    await approvals().reject(grace, (await asked(name, pinned)).id)
    expect(await shown(name)).toMatchObject({ rule: null, history: [] })
  })

  test('asked of a rule that is no longer the one in force is refused, and still waits', async () => {
    const name = domain()
    await wish(name, auto)
    const { id } = await asked(name, secure)
    await setDestination(rooms.owner, name, pinned)
    expect(await outcome(approvals().approve(grace, id))).toBe('state_conflict')
    expect(await ruleOf(name)).toEqual(pinned)
    expect(await rooms.owner('change_requests').where({ id }).first('state')).toEqual({ state: 'pending' })
    expect((await rooms.events('change.refused')).at(-1)).toMatchObject({
      change: id,
      code: 'state_conflict',
    })
  })

  test('that is the one in force is no change', async () => {
    const name = domain()
    await wish(name, { mode: 'auto', floor: 'dane', requireTls: 'must' })
    expect(await outcome(wish(name, { requireTls: 'must', floor: 'dane', mode: 'auto' }))).toBe(
      'state_conflict',
    )
  })

  test('is asked for by admins alone', async () => {
    const name = domain()
    expect(await outcome(wish(name, auto, grace))).toBe('role_missing')
    expect(await outcome(wish(name, secure, grace))).toBe('role_missing')
    expect(await ruleOf(name)).toBeNull()
  })

  test('two approvals at a time for a domain: each of its own request, one after the other', async () => {
    const names = [domain(), domain()]
    const changes = await Promise.all(names.map(name => asked(name, pinned)))
    const twice = [...changes, ...changes].map(({ id }) => outcome(approvals().approve(grace, id)))
    expect((await Promise.all(twice)).toSorted()).toEqual([
      'done',
      'done',
      'state_conflict',
      'state_conflict',
    ])
    for (const name of names) expect((await shown(name)).history).toHaveLength(1)
  })
})

describe('what the form cannot be', () => {
  test.each([
    'BANK.test',
    'bank test',
    '192.0.2.1',
    'bank.test.',
    '',
    '4111111111111111.test',
    "x'; DROP TABLE destinations; --",
  ])('the domain %j is refused', async name => {
    expect(await outcome(wish(name, auto))).toBe('invalid_request')
    expect(await outcome(setFirstDestination(rooms.owner, systemClock, { domain: name, rule: auto }))).toBe(
      'invalid_request',
    )
  })

  test('a CA that no parser takes is refused before anybody approves it', async () => {
    const { certificate } = await createAuthority({ commonName: 'Their CA', days: 1 })
    const garbled = certificate.replace(/M/, 'N')
    expect(await outcome(wish(domain(), { ...secure, mode: 'pinned', pins: { ca: garbled } }))).toBe(
      'invalid_request',
    )
    expect((await wish(domain(), { ...secure, mode: 'pinned', pins: { ca: certificate } })).outcome).toBe(
      'asked',
    )
  })

  test('a request whose rule is none of ours is not approved', async () => {
    const name = domain()
    const body = { rule: { mode: 'opportunistic' }, replaces: null }
    const { id } = await ask(rooms.gateway, ada, { kind: 'destination.set', subject: name, body })
    expect(await outcome(approvals().approve(grace, id))).toBe('state_conflict')
    expect(await ruleOf(name)).toBeNull()
  })
})

describe('the gateway’s role in the database, past all of our code', () => {
  const insert = (name: string, rule: object) =>
    rooms.gateway('destinations').insert({ domain: name, rule: JSON.stringify(rule), updated_at: new Date() })
  const refused = /\(42501\)/

  test('sets a first auto, and nothing that nobody approved', async () => {
    const name = domain()
    await expect(insert(name, pinned)).rejects.toThrow(refused)
    await insert(name, auto)
    const row = () => rooms.gateway('destinations').where({ domain: name })
    await expect(row().update({ rule: JSON.stringify(pinned) })).rejects.toThrow(refused)
    await expect(row().update({ rule: JSON.stringify({ mode: 'auto', floor: 'dane' }) })).rejects.toThrow(
      refused,
    )
    await expect(row().delete()).rejects.toThrow(refused)
    await expect(row().update({ domain: domain() })).rejects.toThrow(refused)
    expect(await ruleOf(name)).toEqual(auto)
  })

  test('does not go by an approval of another transaction, domain or rule', async () => {
    const [name, other] = [domain(), domain()]
    const { id } = await asked(name, pinned)
    await approvals().approve(grace, id)
    const row = () => rooms.gateway('destinations').where({ domain: name })
    await expect(row().update({ rule: JSON.stringify(pinned), updated_at: new Date() })).rejects.toThrow(
      refused,
    )
    await expect(row().delete()).rejects.toThrow(refused)

    const { id: change } = await asked(other, secure)
    const write = (to: string, rule: object) =>
      rooms.gateway.transaction(async trx => {
        await trx('change_requests')
          .where({ id: change })
          .update({ state: 'approved', decided_by: grace.id, decided_at: new Date() })
        await trx('destinations').insert({ domain: to, rule: JSON.stringify(rule), updated_at: new Date() })
      })
    await expect(write(domain(), secure)).rejects.toThrow(refused)
    await expect(write(other, pinned)).rejects.toThrow(refused)
    await write(other, secure)
  })
})
