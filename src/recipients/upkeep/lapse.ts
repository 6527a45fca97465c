import { expireChangeRequests } from '../../access/index.ts'
import type { Actor } from '../../audit/index.ts'
import { isOpen } from '../enrolment.ts'
import { dropProposal } from '../proposal/drop.ts'
import { lockedProposal } from '../proposal/verify.ts'
import { suspendLocked } from '../standing/change.ts'
import { locked } from '../standing/locked.ts'
import { deleteOldLinks, lapsedRecipients, staleProposals } from './store.ts'
import type { UpkeepParts } from './upkeep.ts'

const itself: Actor = { kind: 'gateway' }
const page = 200

/** Suspends active recipients whose attestations are over, each in a transaction of its own. Gives how many. */
export function suspendLapsed(parts: UpkeepParts): Promise<number> {
  const { knex, clock } = parts
  return each(
    after => lapsedRecipients(knex, clock.now(), after, page),
    id =>
      knex.transaction(async trx => {
        const recipient = await locked(trx, id)
        const { state, attestedUntil } = recipient
        // Another replica was first, or somebody recorded a new attestation.
        if (state !== 'active' || attestedUntil === null || attestedUntil > clock.now()) return false
        await suspendLocked(parts, trx, itself, recipient, 'attestation_lapsed')
        return true
      }),
  )
}

/** Drops proposals whose code ran out, or whose certificate ended before it came into use. Gives how many. */
export function dropStale(parts: UpkeepParts): Promise<number> {
  const { knex, clock } = parts
  return each(
    after => staleProposals(knex, clock.now(), after, page),
    id =>
      knex.transaction(async trx => {
        const { proposal } = await lockedProposal(trx, id)
        const now = clock.now()
        const codeIsOver = proposal.nonceExpiresAt === null || proposal.nonceExpiresAt <= now
        const ended = proposal.expiresAt !== null && proposal.expiresAt <= now
        if (!isOpen(proposal.state) || !(ended || (proposal.state === 'proposed' && codeIsOver))) return false
        await dropProposal(trx, clock, itself, proposal, 'expired')
        return true
      }),
  )
}

export async function expireChanges({ knex, clock }: UpkeepParts): Promise<number> {
  const expired = await knex.transaction(trx => expireChangeRequests(trx, clock))
  return expired.length
}

export async function forgetLinks({ knex, clock }: UpkeepParts): Promise<number> {
  return deleteOldLinks(knex, clock.now(), 10_000)
}

/**
 * Does something for each of what `find` gives, page by page; one that fails is passed over, and the last failure is thrown
 * at the end. Gives for how many it was done.
 */
async function each<Id extends string>(
  find: (after: string) => Promise<readonly Id[]>,
  act: (id: Id) => Promise<boolean>,
): Promise<number> {
  let done = 0
  let failure: unknown
  for (let after = ''; ; ) {
    const ids = await find(after)
    for (const id of ids) {
      try {
        if (await act(id)) done++
      } catch (error) {
        failure = error
      }
    }
    after = ids.at(-1) ?? ''
    if (ids.length < page) break
  }
  if (failure !== undefined) throw failure as Error
  return done
}
