import type { Knex } from 'knex'
import { z } from 'zod'
import { appendEvents } from '../audit/index.ts'
import {
  type ChangeRequestId,
  type Clock,
  newId,
  type OperatorId,
  type PolicyRecordId,
  SealpostError,
} from '../kernel/index.ts'
import { assess, certificatesInUse, type Inspect, type PolicyRefusal } from './assess.ts'
import { lifecycleOf, listPolicies, readPolicyFile } from './load.ts'
import { insertRecord, insertRefusals } from './store.ts'

const instant = z.iso.datetime()
const hex = z.string().regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/)

/** The body of a change request `policy.adopt`: what its approver puts in force, and whom that cuts off. */
const adoptionSchema = z.strictObject({
  policy: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  effectiveAt: instant,
  expiresAt: instant,
  /** Of how many certificates in use the refused ones are. */
  assessed: z.int().min(0),
  refused: z.array(
    z.strictObject({
      fingerprint: hex,
      /** Absent in what was asked before a primary key could have several: then it is the first. */
      encryptionSubkey: hex.optional(),
      reasons: z.array(z.string().regex(/^[a-z0-9_]{1,64}$/)),
      from: instant,
    }),
  ),
})

export type Adoption = z.infer<typeof adoptionSchema>

export interface AdoptionWish {
  /** The name of a file of keys-policy. */
  readonly policy: string
  /** Default: at once. */
  readonly effectiveAt?: Date
  /** Default and limit: as long as the policy's own `approvalDays`, and not beyond its day of review. */
  readonly expiresAt?: Date
}

const day = 86_400_000

/**
 * The change request's body for putting a policy in force, with the estate assessed under it; nothing is changed. Takes
 * a millisecond or two for each certificate in use, so not inside a transaction. Throws `not_found` when there is no
 * such policy, `invalid_request` when the times do not fit it or its review is overdue.
 */
export async function proposeAdoption(
  knex: Knex,
  clock: Clock,
  inspect: Inspect,
  wish: AdoptionWish,
): Promise<Adoption> {
  if (!listPolicies().includes(wish.policy)) throw new SealpostError('not_found')
  const { policy, sha256 } = readPolicyFile(wish.policy)
  const now = clock.now()
  const from = wish.effectiveAt ?? now
  const limit = new Date(
    Math.min(from.getTime() + lifecycleOf(policy).approvalDays * day, Date.parse(policy.reviewBy) + day),
  )
  const until = wish.expiresAt ?? limit
  if (limit <= from) throw unfit('/policy', 'review_overdue', 'the day of its review is over')
  if (from < now || from < new Date(policy.effectiveFrom))
    throw unfit('/effectiveAt', 'too_early', 'it would take effect in the past, or before its own first day')
  if (until > limit) throw unfit('/expiresAt', 'too_late', 'an adoption of it holds for a shorter time')
  if (until <= from) throw unfit('/expiresAt', 'too_early', 'it would end before it begins')

  const { assessed, refused } = await assess(policy, { from, until }, certificatesInUse(knex, now), inspect)
  return {
    policy: wish.policy,
    sha256,
    effectiveAt: from.toISOString(),
    expiresAt: until.toISOString(),
    assessed,
    refused: refused.map(({ fingerprint, encryptionSubkey, reasons, from: start }) => ({
      fingerprint,
      encryptionSubkey,
      reasons: [...reasons],
      from: start.toISOString(),
    })),
  }
}

/**
 * Puts an approved policy in force, with its refusals and its event. One that was to take effect before it was approved
 * takes effect now: nothing is judged by hindsight. Throws `state_conflict` when the file is no longer the one that was
 * assessed, or the time is over.
 */
export async function applyAdoption(
  trx: Knex.Transaction,
  clock: Clock,
  change: { readonly id: ChangeRequestId; readonly body: unknown },
  approver: { readonly id: OperatorId },
): Promise<PolicyRecordId> {
  const adoption = adoptionSchema.safeParse(change.body).data
  const now = clock.now()
  if (adoption === undefined || !isUnchanged(adoption) || new Date(adoption.expiresAt) <= now) {
    throw new SealpostError('state_conflict')
  }
  const { policy, sha256 } = adoption
  const effectiveAt = new Date(Math.max(Date.parse(adoption.effectiveAt), now.getTime()))
  const expiresAt = new Date(adoption.expiresAt)
  const id = newId('pol', clock)
  await insertRecord(trx, {
    id,
    policy,
    sha256,
    effectiveAt,
    expiresAt,
    changeRequest: change.id,
    approvedAt: now,
  })
  const refused = await insertRefusals(
    trx,
    id,
    adoption.refused.map(refusal => ({ ...refusal, from: new Date(refusal.from) })),
  )
  await appendEvents(trx, clock, [
    {
      actor: { kind: 'operator', id: approver.id },
      event: {
        type: 'policy.adopted',
        record: id,
        policy,
        sha256,
        effectiveAt: effectiveAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
        refused: refused.length,
        change: change.id,
      },
    },
  ])
  return id
}

/**
 * Adds to the refusals of an adopted policy what a later assessment found; gives the fingerprints that are new, whose
 * owners are to be told.
 */
export function recordRefusals(
  trx: Knex.Transaction,
  record: PolicyRecordId,
  refusals: readonly PolicyRefusal[],
): Promise<readonly string[]> {
  return insertRefusals(trx, record, refusals)
}

function isUnchanged({ policy, sha256 }: Adoption): boolean {
  try {
    return readPolicyFile(policy).sha256 === sha256
  } catch {
    return false
  }
}

function unfit(pointer: string, code: string, detail: string): SealpostError {
  return new SealpostError('invalid_request', { errors: [{ pointer, code }], detail })
}
