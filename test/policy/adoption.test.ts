import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addOperator, type ChangeRequest, type Operator, openApprovals } from '../../src/access/index.ts'
import type { Address } from '../../src/kernel/index.ts'
import {
  type AdoptionWish,
  applyAdoption,
  certificatesInUse,
  loadPolicy,
  policyInForce,
  policyStanding,
  proposeAdoption,
  scheduledPolicies,
} from '../../src/policy/index.ts'
import { inspectCertificate } from '../../src/sealer/inside/certificate/index.ts'
import { applyAll, ask, openRooms, outcome, type Rooms } from '../access/support.ts'
import {
  encryptionSubkey,
  fingerprint,
  identity,
  keyLives,
  primaryKey,
} from '../keys/certificate/certificates.ts'
import {
  curve25519Body,
  ed25519Signer,
  encode,
  rsaBody,
  type SignatureOptions,
  subpacket,
} from '../keys/certificate/packets.ts'
import { honestModulus } from '../keys/certificate/weak-rsa.ts'
import { insertRecipient } from '../support/recipients.ts'

const day = 86_400_000
const readsV2 = subpacket(30, Uint8Array.of(0x09))
const rsa = rsaBody(honestModulus(3072))

let time: number
const clock = { now: () => new Date(time) }
let rooms: Rooms
let asker: Operator
let approver: Operator
beforeAll(async () => {
  rooms = await openRooms()
  const operator = (name: string, roles: Operator['roles']) =>
    addOperator(rooms.owner, clock, { name, address: `${name}@bank.test` as Address, roles })
  time = Date.parse('2026-12-01T00:00:00Z')
  asker = await operator('ada', ['admin'])
  approver = await operator('eve', ['approver'])
})
beforeEach(async () => {
  time = Date.parse('2026-12-01T00:00:00Z')
  await rooms.owner('policy_refusals').delete()
  await rooms.owner('policy_records').delete()
  await rooms.owner('change_requests').delete()
  await rooms.owner('certificates').delete()
})
afterAll(() => rooms.close())

async function adopt(wish: AdoptionWish): Promise<ChangeRequest> {
  const body = await proposeAdoption(rooms.gateway, clock, inspectCertificate, wish)
  return ask(rooms.gateway, asker, { kind: 'policy.adopt', subject: wish.policy, body }, clock)
}

const approvals = () =>
  openApprovals({
    knex: rooms.gateway,
    clock,
    apply: applyAll(async (trx, change, by) => {
      await applyAdoption(trx, clock, change, by)
    }),
  })

describe('a policy is in force', () => {
  test('when one operator asked, another approved, and its time has come; until its time is over', async () => {
    const change = await adopt({ policy: 'standard', effectiveAt: new Date(time + day) })
    expect(await policyStanding(rooms.gateway, clock.now())).toEqual({ state: 'none' })
    await approvals().approve(approver, change.id)
    expect(await policyInForce(rooms.gateway, clock.now())).toBeUndefined()
    expect(await scheduledPolicies(rooms.gateway, clock.now())).toMatchObject([
      { record: { policy: 'standard' }, policy: loadPolicy('standard') },
    ])

    time += day
    const adopted = await policyInForce(rooms.gateway, clock.now())
    expect(adopted).toMatchObject({ record: { changeRequest: change.id }, policy: loadPolicy('standard') })
    expect(await rooms.events('policy.adopted')).toMatchObject([
      {
        actor: { kind: 'operator', id: approver.id },
        record: adopted?.record.id,
        policy: 'standard',
        sha256: adopted?.record.sha256,
        effectiveAt: '2026-12-02T00:00:00.000Z',
        expiresAt: '2027-11-21T00:00:00.000Z',
        refused: 0,
      },
    ])
    // The day after that of its review.
    expect(await policyStanding(rooms.gateway, new Date('2027-11-20T23:59:59Z'))).toMatchObject({
      state: 'in_force',
    })
    expect(await policyStanding(rooms.gateway, new Date('2027-11-21T00:00:00Z'))).toMatchObject({
      state: 'lapsed',
    })
  })

  test('the next takes its place by itself, and its end does not bring back the one before', async () => {
    await approvals().approve(approver, (await adopt({ policy: 'standard' })).id)
    const wish = {
      policy: 'strict',
      effectiveAt: new Date(time + 30 * day),
      expiresAt: new Date(time + 60 * day),
    }
    await approvals().approve(approver, (await adopt(wish)).id)
    const named = async (days: number) =>
      (await policyInForce(rooms.gateway, new Date(time + days * day)))?.record.policy
    expect([await named(0), await named(29), await named(30), await named(59), await named(60)]).toEqual([
      'standard',
      'standard',
      'strict',
      'strict',
      undefined,
    ])
  })

  test('from its approval on at the earliest, however early it was asked for', async () => {
    const change = await adopt({ policy: 'standard' })
    time += 3 * day
    await approvals().approve(approver, change.id)
    const adopted = await policyInForce(rooms.gateway, clock.now())
    expect(adopted?.record.effectiveAt).toEqual(clock.now())
  })

  test('not by the one who asked, nor when its file changed since, nor when its time is over', async () => {
    const both = await addOperator(rooms.owner, clock, {
      name: `both-${time}`,
      address: 'both@bank.test' as Address,
      roles: ['admin', 'approver'],
    })
    const body = await proposeAdoption(rooms.gateway, clock, inspectCertificate, { policy: 'standard' })
    const own = await ask(rooms.gateway, both, { kind: 'policy.adopt', subject: 'standard', body }, clock)
    expect(await outcome(approvals().approve(both, own.id))).toBe('own_request')

    const other = { ...body, policy: 'strict' } // with the digest of standard
    const changed = await ask(
      rooms.gateway,
      asker,
      { kind: 'policy.adopt', subject: 'strict', body: other },
      clock,
    )
    expect(await outcome(approvals().approve(approver, changed.id))).toBe('state_conflict')

    const brief = await adopt({ policy: 'strict', expiresAt: new Date(time + day) }).catch(() => undefined)
    expect(brief).toBeUndefined() // one waits already
    await approvals().reject(approver, changed.id)
    const late = await adopt({ policy: 'strict', expiresAt: new Date(time + day) })
    time += day
    expect(await outcome(approvals().approve(approver, late.id))).toBe('state_conflict')
    expect(await rooms.owner('policy_records').select()).toEqual([])
  })
})

test.each([
  ['a policy that is not there', { policy: 'none-such' }, 'not_found'],
  ['a name that leads out of the directory', { policy: '../package' }, 'not_found'],
  ['the past', { policy: 'standard', effectiveAt: new Date('2026-11-30') }, 'invalid_request'],
  ['a time after its review', { policy: 'standard', effectiveAt: new Date('2027-11-21') }, 'invalid_request'],
  ['no time at all', { policy: 'standard', expiresAt: new Date('2026-12-01') }, 'invalid_request'],
  [
    'longer than the policy lets an adoption hold',
    { policy: 'standard', expiresAt: new Date('2028-01-01') },
    'invalid_request',
  ],
])('%s cannot be asked for', async (_, wish, code) => {
  expect(await outcome(proposeAdoption(rooms.gateway, clock, inspectCertificate, wish))).toBe(code)
})

describe('whom a policy cuts off', () => {
  test('is said beforehand, with reasons and from when; approved, it holds, and is asked of the database', async () => {
    const legacy = await inUse({ userId: {} })
    const byRsa = await inUse({ subkeys: [rsa] })
    await inUse({})
    const aged = await inUse({ created: new Date('2025-01-01T00:00:00Z') })

    const change = await adopt({ policy: 'strict' })
    expect(change.body).toMatchObject({ assessed: 4 })
    const { refused } = change.body as { refused: { fingerprint: string }[] }
    expect(refused).toHaveLength(3)
    const now = clock.now().toISOString()
    expect(Object.fromEntries(refused.map(one => [one.fingerprint, one]))).toMatchObject({
      [legacy]: { fingerprint: legacy, reasons: ['format_not_allowed'], from: now },
      [byRsa]: { fingerprint: byRsa, reasons: ['algorithm_not_allowed'], from: now },
      // 730 days from its creation on, which lies before the end of this adoption.
      [aged]: { fingerprint: aged, reasons: ['cryptoperiod_over'], from: '2027-01-01T00:00:00.000Z' },
    })
    expect(await refusedNow()).toEqual([])

    await approvals().approve(approver, change.id)
    expect(await refusedNow()).toEqual([legacy, byRsa].sort())
    time = Date.parse('2027-01-01T00:00:00Z')
    expect(await refusedNow()).toEqual([legacy, byRsa, aged].sort())
    expect((await rooms.events('policy.adopted')).at(-1)).toMatchObject({ refused: 3 })
  })

  test('never hangs on another subkey than the pinned one', async () => {
    const certificate = await inUse({ subkeys: [rsa, curve25519Body()] })
    const { refused } = await proposeAdoption(rooms.gateway, clock, inspectCertificate, { policy: 'strict' })
    expect(refused).toMatchObject([{ fingerprint: certificate, reasons: ['algorithm_not_allowed'] }])
  })

  test('leaves out what has simply expired by then', async () => {
    await inUse({ userId: { hashed: [readsV2, keyLives(30 * 86_400)] } })
    const { assessed, refused } = await proposeAdoption(rooms.gateway, clock, inspectCertificate, {
      policy: 'strict',
    })
    expect({ assessed, refused }).toEqual({ assessed: 1, refused: [] })
  })

  test('is asked of every certificate in use, in pages', async () => {
    const all = await Promise.all(Array.from({ length: 150 }, () => inUse({})))
    await rooms
      .owner('certificates')
      .whereIn('fingerprint', all.slice(0, 3))
      .update({ state: 'revoked', revoked_at: clock.now() })
    const seen: string[] = []
    for await (const { fingerprint: each } of certificatesInUse(rooms.gateway, clock.now())) seen.push(each)
    expect(seen).toEqual(all.slice(3).sort())
  })

  /** A certificate in use, pinned to the first of its subkeys. */
  async function inUse({
    userId = { hashed: [readsV2] },
    created,
    subkeys = [curve25519Body(created)],
  }: {
    userId?: SignatureOptions
    created?: Date
    subkeys?: readonly Uint8Array[]
  }): Promise<string> {
    const { recipient, address } = await insertRecipient(rooms.owner)
    const signer = ed25519Signer(created)
    const bound = subkeys.map(body => encryptionSubkey(body, {}, signer))
    const parts = [primaryKey(signer), ...identity(address, userId, signer), ...bound.flat()]
    await rooms.owner('certificates').insert({
      fingerprint: signer.fingerprint,
      recipient_id: recipient,
      bytes: Buffer.from(encode(parts)),
      encryption_subkey: fingerprint(bound[0]![0]),
      algorithm: 'not looked at',
      format: 'seipdv1',
      state: 'active',
      accepted_at: clock.now(),
    })
    return signer.fingerprint
  }

  /** As `recipients` and `delivery` ask it. */
  async function refusedNow(): Promise<string[]> {
    const { rows } = await rooms.gateway.raw<{ rows: { fingerprint: string }[] }>(
      `SELECT c.fingerprint FROM certificates c WHERE EXISTS (
         SELECT FROM policy_refusals f WHERE f.fingerprint = c.fingerprint AND f.from_at <= :at AND f.record_id = (
           SELECT id FROM policy_records WHERE effective_at <= :at AND expires_at > :at
            ORDER BY effective_at DESC, id DESC LIMIT 1))
       ORDER BY 1`,
      { at: clock.now() },
    )
    return rows.map(row => row.fingerprint)
  }
})
