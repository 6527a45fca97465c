import type { Knex } from 'knex'
import type { PublicKey } from 'openpgp'
import PostalMime from 'postal-mime'
import { type ChangeRequest, type Operator, openApprovals } from '../../src/access/index.ts'
import { stopDeliveries } from '../../src/delivery/index.ts'
import type { Address, Clock, RecipientId } from '../../src/kernel/index.ts'
import { loadPolicy, type Policy } from '../../src/policy/index.ts'
import {
  type Enrolment,
  type EnrolmentDependencies,
  type Invitation,
  openEnrolment,
  type Recipient,
} from '../../src/recipients/index.ts'
import { type Inspector, openInspector } from '../../src/sealer/host/index.ts'
import { openRooms, type Rooms } from '../access/support.ts'
import { address, makeRecipient, open, openTestSealer, type TestRecipient } from '../sealer/support.ts'
import { signedInOperator } from '../support/operators.ts'

/** A working enrolment on a database of its own, with everything real but the clock and the policy's numbers. */
export interface TestEnrolment extends Rooms {
  readonly enrolment: Enrolment
  readonly approvals: ReturnType<typeof openApprovals>
  readonly admin: Operator
  readonly second: Operator
  readonly inspector: Inspector
  readonly clock: Clock & { pass(minutes: number): void }
  /** What of the policy is other than in `keys-policy/standard.json`, from now on. */
  lifecycle(changes: Partial<Policy['lifecycle']>): void
  readonly dependencies: EnrolmentDependencies
  /** The token in the newest mail of this kind to this recipient. */
  tokenIn(recipient: RecipientId, kind: string, field: 'enrolToken' | 'stopToken'): Promise<string>
  /** The code in the newest challenge, read as the recipient's mail program reads it. */
  codeFor(recipient: TestRecipient): Promise<string>
  /** Invited, with an open page. */
  invited(changes?: Partial<Invitation>): Promise<{ recipient: Recipient; session: string }>
  /** A recipient all of whose steps were walked, with their key and an open page. */
  walked(): Promise<Walked>
  /** Walks a new certificate up to a step. */
  proposed(who: Invited, key: TestRecipient): Promise<string>
  proved(who: Invited, key: TestRecipient): Promise<void>
  verified(who: Invited, key: TestRecipient): Promise<ChangeRequest>
  approved(who: Invited, key: TestRecipient): Promise<void>
  stateOf(
    recipient: RecipientId,
  ): Promise<{ recipient: string; proposal: string | null; active: string | null }>
}

export interface Invited {
  readonly recipient: Recipient
  readonly session: string
}

export interface Walked extends Invited {
  readonly key: TestRecipient
  readonly fingerprint: string
}

const year = 365 * 86_400_000
let count = 0

export function newAddress(): Address {
  return address(`person${++count}@bank.test`)
}

export function invitation(changes: Partial<Invitation> = {}): Invitation {
  const validUntil = new Date(Date.now() + year)
  return {
    address: newAddress(),
    organisation: 'Bank of Tests',
    kind: 'supplier',
    phone: '+31 20 123 4567',
    retentionDays: 90,
    attestations: [
      { kind: 'contract', reference: 'C-2026-17', validUntil },
      { kind: 'aoc', reference: 'AOC 2026', validUntil },
      { kind: 'retention', reference: 'annex 3', validUntil },
    ],
    ...changes,
  }
}

export function fingerprintOf(key: TestRecipient): string {
  return key.privateKey.getFingerprint().toUpperCase()
}

export async function openTestEnrolment(): Promise<TestEnrolment> {
  const rooms = await openRooms()
  const { pool, verificationKey } = await openTestSealer()
  const inspector = openInspector()
  const clock = movingClock()
  const standard = loadPolicy('standard')
  let policy: Policy = standard
  const dependencies: EnrolmentDependencies = {
    knex: rooms.gateway,
    clock,
    inspector,
    sealer: pool,
    stop: stopDeliveries,
    sender: {
      from: address('notices@pay.test'),
      mailHost: 'gateway.pay.test',
      publicUrl: 'https://enrol.pay.test',
      organisation: 'Pay',
    },
    policy: () => Promise.resolve(policy),
  }
  const enrolment = openEnrolment(dependencies)
  const approvals = openApprovals({
    knex: rooms.gateway,
    clock,
    apply: {
      'recipient.activate': enrolment.applyActivation,
      'recipient.reinstate': enrolment.applyReinstate,
      'recipient.attest': enrolment.applyAttest,
      'policy.adopt': () => Promise.reject(new Error('not here')),
      'destination.set': () => Promise.reject(new Error('not here')),
    },
  })
  const { operator: admin } = await signedInOperator(rooms.owner, ['admin', 'approver'])
  const { operator: second } = await signedInOperator(rooms.owner, ['admin', 'approver'])

  const house: TestEnrolment = {
    ...rooms,
    enrolment,
    approvals,
    admin,
    second,
    inspector,
    clock,
    dependencies,
    lifecycle(changes) {
      policy = { ...standard, lifecycle: { ...standard.lifecycle, ...changes } }
    },
    async tokenIn(recipient, kind, field) {
      const rows = await rooms
        .owner('notices')
        .where({ recipient_id: recipient, kind, state: 'queued' })
        .orderBy('id', 'desc')
        .pluck<{ values: Record<string, string> }[]>('fields')
      const token = rows[0]?.values[field]
      if (token === undefined) throw new Error(`no ${kind} with ${field}`)
      return token
    },
    codeFor: key => readCode(rooms.owner, key, verificationKey),
    async invited(changes) {
      const recipient = await enrolment.invite(admin, invitation(changes))
      const token = await house.tokenIn(recipient.id, 'invitation', 'enrolToken')
      const { session } = await enrolment.openLink(token, '192.0.2.1')
      return { recipient, session }
    },
    async proposed({ session }, key) {
      const result = await enrolment.propose({ session }, key.target.certificate, 'upload')
      if (result.outcome !== 'proposed') throw new Error(`${result.outcome}: ${JSON.stringify(result)}`)
      return result.proposal.id
    },
    async proved(who, key) {
      await house.proposed(who, key)
      await enrolment.prove(await house.codeFor(key), { peer: '192.0.2.1' })
    },
    async verified(who, key) {
      await house.proved(who, key)
      const { proposal } = await enrolment.recipientOf(who.session)
      if (proposal === null) throw new Error('nothing to verify')
      return enrolment.verifyFingerprint(admin, proposal.id, 'phone')
    },
    async approved(who, key) {
      const { id } = await house.verified(who, key)
      await approvals.approve(second, id)
    },
    async walked() {
      const who = await house.invited()
      const key = await makeRecipient(who.recipient.address)
      await house.approved(who, key)
      return { ...who, key, fingerprint: fingerprintOf(key) }
    },
    async stateOf(id) {
      const { rows } = await rooms.owner.raw<{
        rows: { recipient: string; proposal: string | null; active: string | null }[]
      }>(
        `SELECT r.state AS recipient,
                (SELECT state FROM proposals p WHERE p.recipient_id = r.id ORDER BY id DESC LIMIT 1) AS proposal,
                (SELECT fingerprint FROM certificates c WHERE c.recipient_id = r.id AND c.state = 'active') AS active
           FROM recipients r WHERE r.id = ?`,
        [id],
      )
      return rows[0]!
    },
    async close() {
      await Promise.all([pool.close(1000), inspector.close()])
      await rooms.close()
    },
  }
  return house
}

async function readCode(owner: Knex, key: TestRecipient, signer: PublicKey): Promise<string> {
  const rows = await owner('notices')
    .where({ address: key.address, kind: 'possession', state: 'queued' })
    .orderBy('id', 'desc')
    .pluck<Buffer[]>('ciphertext')
  if (rows[0] === undefined) throw new Error('no challenge')
  const { text = '' } = await PostalMime.parse(await open(rows[0], key, signer))
  const code = /https:\/\/enrol\.pay\.test\/prove\/([0-9a-z]{26})\n/.exec(text)?.[1]
  if (code === undefined) throw new Error('no code in the challenge')
  return code
}

/** The real time, and what was passed on top. */
function movingClock(): Clock & { pass(minutes: number): void } {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    pass(minutes) {
      ahead += minutes * 60_000
    },
  }
}

/** The code of the error that a promise rejects with, or `ok`. */
export async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'ok'
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
}
