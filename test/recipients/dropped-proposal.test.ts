import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChangeRequest, listChangeRequests } from '../../src/access/index.ts'
import type { ChangeRequestId } from '../../src/kernel/index.ts'
import { openLogger } from '../../src/platform/index.ts'
import { runUpkeep } from '../../src/recipients/index.ts'
import { makeRecipient, type TestRecipient } from '../sealer/support.ts'
import { closeGate } from '../support/locks.ts'
import { type Invited, openTestEnrolment, outcomeOf, type TestEnrolment } from './support.ts'

let house: TestEnrolment
beforeAll(async () => {
  house = await openTestEnrolment()
})
afterAll(() => house.close())

const peer = '192.0.2.1'

interface Waiting {
  readonly who: Invited
  readonly proposal: string
  readonly change: ChangeRequestId
}

/** A proposal whose request waits for its approver. */
async function waiting(): Promise<Waiting> {
  const who = await house.invited()
  const { id: change, subject } = await house.verified(who, await makeRecipient(who.recipient.address))
  return { who, proposal: subject, change }
}

const requestOf = (change: string) => findChangeRequest(house.gateway, change)
const reject = ({ proposal }: Waiting) =>
  house.enrolment.reject(house.second, proposal as Parameters<typeof house.enrolment.reject>[1])
const unenrol = ({ who }: Waiting) => house.enrolment.unenrol(house.admin, who.recipient.id)
const stop = async ({ who }: Waiting) =>
  house.enrolment.revokeByLink(
    await house.tokenIn(who.recipient.id, 'invitation', 'stopToken'),
    'unknown',
    peer,
  )
async function replace({ who }: Waiting): Promise<TestRecipient> {
  const key = await makeRecipient(who.recipient.address)
  await house.proposed(who, key)
  return key
}

describe('a request ends with the proposal that it is about, at once', () => {
  const ends: [string, (about: Waiting) => Promise<unknown>][] = [
    ['rejected', reject],
    ['unenrolled', unenrol],
    ['stopped', stop],
    ['replaced', replace],
    [
      'expired',
      async ({ proposal }) => {
        await house
          .owner('proposals')
          .where({ id: proposal })
          .update({ expires_at: new Date(0) })
        const { dependencies } = house
        await runUpkeep({ ...dependencies, log: openLogger({ level: 'error' }) })
      },
    ],
  ]

  test.each(ends)('%s', async (reason, end) => {
    const about = await waiting()
    const { change, proposal } = about
    await end(about)
    expect(await requestOf(change)).toMatchObject({ state: 'void', decidedBy: null })
    expect((await requestOf(change)).decidedAt).toBeInstanceOf(Date)
    const pending = await listChangeRequests(house.gateway, { state: 'pending', limit: 200 })
    expect(pending.map(({ id }) => id)).not.toContain(change)
    const events = (await house.events('change.voided')).filter(event => event['change'] === change)
    expect(events).toMatchObject([{ kind: 'recipient.activate', subject: proposal, reason }])
    const { approvals, admin, second } = house
    expect(await outcomeOf(approvals.approve(second, change))).toBe('state_conflict')
    expect(await outcomeOf(approvals.reject(second, change))).toBe('state_conflict')
    expect(await outcomeOf(approvals.withdraw(admin, change))).toBe('state_conflict')
  })

  test('certificate_in_use, found at its approval: somebody else enrolled the same key first', async () => {
    const who = await house.invited()
    const key = await makeRecipient(who.recipient.address)
    const { id: change, subject: proposal } = await house.verified(who, key)
    const other = await house.invited()
    await house.owner('certificates').insert({
      fingerprint: key.privateKey.getFingerprint().toUpperCase(),
      recipient_id: other.recipient.id,
      bytes: Buffer.from('not looked at'),
      encryption_subkey: key.target.encryptionSubkey,
      algorithm: 'rsa4096',
      format: 'seipdv1',
      state: 'active',
      accepted_at: new Date(),
    })
    expect(await outcomeOf(house.approvals.approve(house.second, change))).toBe('certificate_in_use')
    expect(await requestOf(change)).toMatchObject({ state: 'void', decidedBy: null })
    expect(await house.stateOf(who.recipient.id)).toMatchObject({ proposal: 'dropped', active: null })
    expect((await house.events('change.voided')).at(-1)).toMatchObject({
      subject: proposal,
      reason: 'certificate_in_use',
    })
  })

  test('but not when it was decided before', async () => {
    const about = await waiting()
    await house.approvals.reject(house.second, about.change)
    await reject(about)
    expect(await requestOf(about.change)).toMatchObject({ state: 'rejected', decidedBy: house.second.id })
  })

  test('or neither ends, when the event cannot be written', async () => {
    const about = await waiting()
    await house.owner.raw(`CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.type = 'change.voided' THEN RAISE EXCEPTION 'broken by the test'; END IF; RETURN NEW; END $$`)
    await house.owner.raw(
      'CREATE TRIGGER broken BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION break()',
    )
    await expect(reject(about)).rejects.toThrow()
    await house.owner.raw('DROP TRIGGER broken ON audit_events')
    await house.owner.raw('DROP FUNCTION break()')
    expect(await requestOf(about.change)).toMatchObject({ state: 'pending' })
    expect(await house.stateOf(about.who.recipient.id)).toMatchObject({ proposal: 'verified' })
    await reject(about)
    expect(await requestOf(about.change)).toMatchObject({ state: 'void' })
  })
})

test('with a recipient who is unenrolled end all requests about them', async () => {
  const { enrolment, admin } = house
  const who = await house.walked()
  const { id } = who.recipient
  await enrolment.suspend(admin, id, 'operator')
  const validUntil = new Date(house.clock.now().getTime() + 86_400_000)
  const asked = [
    await enrolment.askReinstate(admin, id),
    await enrolment.askAttest(admin, id, [{ kind: 'aoc', reference: 'AOC 7', validUntil }]),
    await house.verified(who, await makeRecipient(who.recipient.address)),
  ]
  await enrolment.unenrol(admin, id)
  for (const change of asked) expect(await requestOf(change.id)).toMatchObject({ state: 'void' })
  const again = enrolment.askAttest(admin, id, [{ kind: 'aoc', reference: 'AOC 7', validUntil }])
  expect(await outcomeOf(again)).toBe('state_conflict')
})

test('nothing that is asked while the recipient is unenrolled waits afterwards', async () => {
  const { enrolment, admin, second } = house
  for (let round = 0; round < 5; round++) {
    const { recipient } = await house.invited()
    const validUntil = new Date(house.clock.now().getTime() + 86_400_000)
    await Promise.all([
      outcomeOf(enrolment.askAttest(second, recipient.id, [{ kind: 'aoc', reference: 'AOC', validUntil }])),
      enrolment.unenrol(admin, recipient.id),
    ])
    const left = await house.owner('change_requests').where({ subject: recipient.id, state: 'pending' })
    expect(left).toEqual([])
  }
})

describe('an approval and a drop at once', () => {
  /** Approved and in use, or void and dropped; nothing between. */
  async function consistent({ who, change, proposal }: Waiting, approved: string): Promise<void> {
    const { state } = await requestOf(change)
    const [proposed] = await house.owner('proposals').where({ id: proposal }).pluck<string[]>('state')
    expect([
      ['ok', 'approved', 'activated'],
      ['state_conflict', 'void', 'dropped'],
    ]).toContainEqual([approved, state, proposed])
    const made = await house.owner('certificates').where({ proposal_id: proposal })
    expect(made).toHaveLength(approved === 'ok' ? 1 : 0)
    expect(
      await house.owner('change_requests').where({ state: 'pending', subject: who.recipient.id }),
    ).toEqual([])
  }

  const drops: [string, (about: Waiting) => Promise<unknown>][] = [
    ['rejected', reject],
    ['unenrolled', unenrol],
    ['stopped', stop],
    ['replaced', replace],
  ]
  test.each(drops)(
    'end in one of two ways, and in no deadlock: %s',
    async (_, drop) => {
      for (let round = 0; round < 8; round++) {
        const about = await waiting()
        const approve = () => outcomeOf(house.approvals.approve(house.second, about.change))
        const end = () => outcomeOf(drop(about))
        const [approved, dropped] = round % 2 === 0 ? [approve(), end()] : [end(), approve()].toReversed()
        expect(['ok', 'state_conflict', 'link_invalid']).toContain(await dropped)
        await consistent(about, (await approved) ?? '')
      }
    },
    60_000,
  )

  test('when the approval holds its request already, the drop waits for it', async () => {
    const about = await waiting()
    const gate = await closeGate(house.owner, house.database.owner, 'audit_events')
    const approving = outcomeOf(house.approvals.approve(house.second, about.change))
    await gate.reached()
    const dropping = outcomeOf(reject(about))
    await house.blocked(2)
    await gate.open()
    expect([await approving, await dropping]).toEqual(['ok', 'state_conflict'])
    await consistent(about, 'ok')
  })

  test('when the drop is under way, the approval waits for it', async () => {
    const about = await waiting()
    const gate = await closeGate(house.owner, house.database.owner, 'audit_events')
    const dropping = outcomeOf(reject(about))
    await gate.reached()
    const approving = outcomeOf(house.approvals.approve(house.second, about.change))
    await house.blocked(2)
    await gate.open()
    expect([await dropping, await approving]).toEqual(['ok', 'state_conflict'])
    await consistent(about, 'state_conflict')
  })

  test('and a rejection of the request: each ends once', async () => {
    for (let round = 0; round < 8; round++) {
      const about = await waiting()
      const [rejected] = await Promise.all([
        outcomeOf(house.approvals.reject(house.second, about.change)),
        reject(about),
      ])
      const { state } = await requestOf(about.change)
      expect(state).toBe(rejected === 'ok' ? 'rejected' : 'void')
    }
  })
})
