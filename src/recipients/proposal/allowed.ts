import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { type Actor, appendEvents } from '../../audit/index.ts'
import type { PolicyRecordId } from '../../kernel/index.ts'
import {
  assess,
  certificatePolicy,
  holdPolicies,
  lifecycleOf,
  type Policy,
  type PolicyRefusal,
  policyInForce,
  recordRefusals,
  scheduledPolicies,
} from '../../policy/index.ts'
import type { CertificateReason } from '../../sealer/host/index.ts'
import type { Parts } from '../dependencies.ts'
import type { Recipient } from '../recipient.ts'
import { findRecipient } from '../standing/store.ts'
import { dropProposal } from './drop.ts'
import { materialOf, type ProposalRow } from './store.ts'

const itself: Actor = { kind: 'gateway' }

/** What the policies of a moment say of a proposed certificate. */
export interface Judgement {
  /** The one in force. */
  readonly policy: Policy
  /** By which adoption it is in force. */
  readonly record: PolicyRecordId | undefined
  /** Why it refuses the certificate; empty when it allows it. */
  readonly reasons: readonly CertificateReason[]
  /** What the adopted ones, in force or scheduled, refuse from a later time on. */
  readonly later: ReadonlyMap<PolicyRecordId, readonly PolicyRefusal[]>
}

/**
 * Judges a proposed certificate anew, with the subkey that was pinned; not in a transaction, for it asks the sandbox. What
 * it says is good for as long as {@link stillHolds} says so. Throws `sending_not_approved` when no policy is in force.
 */
export async function judgeAnew(parts: Parts, proposal: ProposalRow): Promise<Judgement> {
  const { knex, clock, inspector } = parts
  const at = clock.now()
  const policy = await parts.policy(knex)
  const recipient = await findRecipient(knex, proposal.recipient)
  if (recipient === undefined) throw new Error('a proposal without its recipient')
  const { fingerprint, encryptionSubkey } = proposal
  const { bytes } = await materialOf(knex, proposal.id)
  const { address } = recipient
  const pinned = { pinned: encryptionSubkey }
  const { verdict, reasons } = await inspector.inspect(bytes, address, at, certificatePolicy(policy), pinned)
  const later = new Map<PolicyRecordId, readonly PolicyRefusal[]>()
  const inForce = await policyInForce(knex, at)
  const scheduled = await scheduledPolicies(knex, at)
  for (const adopted of inForce === undefined ? scheduled : [inForce, ...scheduled]) {
    const { id, effectiveAt, expiresAt } = adopted.record
    const period = { from: effectiveAt > at ? effectiveAt : at, until: expiresAt }
    const certificate = { fingerprint, encryptionSubkey, bytes, address }
    const { refused } = await assess(adopted.policy, period, one(certificate), (...asked) =>
      inspector.inspect(...asked),
    )
    later.set(id, refused)
  }
  return { policy, record: inForce?.record.id, reasons: verdict === 'reject' ? reasons : [], later }
}

/**
 * Whether the policy in force is still the one that the certificate was judged under, and no other was scheduled. Then it
 * stays so for this transaction: a policy is adopted before it, and seen here, or after it. One that was scheduled may take
 * effect at any moment, also before the commit; what it refuses is written with the certificate.
 */
export async function stillHolds(
  { clock, policy }: Parts,
  trx: Knex.Transaction,
  judgement: Judgement,
): Promise<boolean> {
  await holdPolicies(trx)
  const scheduled = await scheduledPolicies(trx, clock.now())
  if (!scheduled.every(({ record }) => judgement.later.has(record.id))) return false
  return isDeepStrictEqual(await policy(trx), judgement.policy)
}

/** Writes down, with a certificate that was just activated, from when policies refuse it: nothing is sent to it from then on. */
export async function recordLater(trx: Knex.Transaction, { later }: Judgement): Promise<void> {
  for (const [record, refusals] of later) await recordRefusals(trx, record, refusals)
}

/** Ends a proposal that the policy in force refuses, and tells the recipient, who can propose another, and the admins. */
export async function dropNotAllowed(
  { clock, links, tell }: Parts,
  trx: Knex.Transaction,
  recipient: Recipient,
  proposal: ProposalRow,
  { policy, reasons }: Judgement,
): Promise<void> {
  const { fingerprint } = proposal
  await dropProposal(trx, clock, itself, proposal, 'certificate_not_allowed')
  await appendEvents(trx, clock, [
    {
      actor: itself,
      event: { type: 'certificate.rejected', recipient: recipient.id, certificate: fingerprint, reasons },
    },
  ])
  const link = links.enrol(recipient.id, lifecycleOf(policy).invitationDays)
  await link.store(trx)
  const fields = { fingerprint, until: link.expiresAt, enrolToken: link.token }
  await tell.recipient(trx, recipient, 'proposal_not_allowed', fields)
  await tell.admins(trx, recipient.address, 'proposal_not_allowed', fingerprint)
}

async function* one<Item>(item: Item): AsyncGenerator<Item> {
  yield await Promise.resolve(item)
}
