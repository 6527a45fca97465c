import type { Knex } from 'knex'
import { type AuditEntry, appendEvents, markRecorded } from '../../audit/index.ts'
import { type RecipientId, SealpostError } from '../../kernel/index.ts'
import { lifecycleOf } from '../../policy/index.ts'
import type { Parts } from '../dependencies.ts'
import { next } from '../enrolment.ts'
import { recipientOfSession, recordRefusal } from '../link/pages.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { Recipient } from '../recipient.ts'
import { assertStep, lockedWithProposal } from '../standing/locked.ts'
import { activeCertificateOf } from '../standing/store.ts'
import { viewOf } from '../view/view.ts'
import { dropNotAllowed, type Judgement, judgeAnew, stillHolds } from './allowed.ts'
import { settleApproved } from './approve.ts'
import { digestOfTyped, makeChallenge } from './challenge.ts'
import { materialOf, moveProposal, type ProposalRow, proposalByNonce } from './store.ts'

/** Wrong codes from one page, after which the code is void. Nobody guesses 130 bits; this is for the audit log's sake. */
const mostTries = 10
const minute = 60_000

export function openProving(parts: Parts): Pick<Enrolment, 'prove' | 'challengeAgain'> {
  const { knex, clock } = parts
  return {
    async prove(code, { peer, session }) {
      const sha256 = digestOfTyped(code)
      // Whoever has a page can only mean the code that was mailed to them.
      const owner = session === undefined ? undefined : await ownerOfPage(parts, session)
      const found = sha256 === undefined ? undefined : await proposalByNonce(knex, sha256, clock.now())
      if (sha256 === undefined || found === undefined || (owner !== undefined && owner !== found.recipient))
        return refuse(parts, owner, peer)
      const judgement = await judgedIfCertified(parts, found)
      // A crash here leaves the code to be returned again.
      const recipient = await knex.transaction(trx =>
        proveOne(parts, trx, found.recipient, sha256, judgement),
      )
      // Replaced or dropped since it was looked up.
      if (recipient === undefined) return refuse(parts, owner, peer)
      return viewOf(knex, recipient)
    },

    async challengeAgain(session) {
      const { id } = await recipientOfSession(parts, session)
      const before = await knex.transaction(trx => lockedWithProposal(trx, id))
      const open = assertChallengeable(parts, before.open)
      const { bytes } = await materialOf(knex, open.id)
      const challenge = await makeChallenge(parts, { ...open, address: before.recipient.address, bytes })
      // A crash here leaves the code before this one in force.
      const recipient = await knex.transaction(async trx => {
        const now = await lockedWithProposal(trx, id)
        if (assertChallengeable(parts, now.open).id !== open.id) throw new SealpostError('state_conflict')
        const { sha256, expiresAt } = challenge.nonce
        const nonce = {
          nonce_sha256: sha256,
          nonce_expires_at: expiresAt,
          nonce_sent_at: clock.now(),
          nonce_tries: 0,
        }
        await moveProposal(trx, open, 'proposed', nonce)
        await challenge.send(trx, open.id)
        return now.recipient
      })
      return viewOf(knex, recipient)
    },
  }
}

/** Undefined when the code is no longer that of the proposal under way. A code that comes twice proves once. */
async function proveOne(
  parts: Parts,
  trx: Knex.Transaction,
  id: RecipientId,
  sha256: Buffer,
  judgement: Judgement | undefined,
): Promise<Recipient | undefined> {
  const { clock, tell } = parts
  const at = clock.now()
  const { recipient, open } = await lockedWithProposal(trx, id)
  const proposal = await proposalByNonce(trx, sha256, at)
  if (open === undefined || proposal?.id !== open.id) return undefined
  if (proposal.state !== 'proposed') return recipient
  assertStep('prove', recipient, proposal)
  await moveProposal(trx, proposal, 'proved', { proved_at: at })
  const proved: AuditEntry = {
    actor: { kind: 'recipient', id },
    event: { type: 'possession.proved', recipient: id, proposal: proposal.id },
  }
  await appendEvents(trx, clock, [proved])
  if (judgement === undefined || !(await settlesItself(parts, trx, recipient, proposal, judgement)))
    await tell.admins(trx, recipient.address, 'possession_proved', proposal.fingerprint)
  return recipient
}

/**
 * A replacement that the active certificate certified needs nobody else, if the policy in force says so: it is judged again,
 * as before any approval. Undefined: it goes the way of two people.
 */
async function judgedIfCertified(parts: Parts, proposal: ProposalRow): Promise<Judgement | undefined> {
  if (proposal.certifiedBy === null || proposal.state !== 'proposed') return undefined
  const { certifiedReplacementSkipsApproval } = lifecycleOf(await parts.policy(parts.knex))
  return certifiedReplacementSkipsApproval ? judgeAnew(parts, proposal) : undefined
}

/** Approves or drops a certified replacement that was judged; false: two people decide on it, as on any other. */
async function settlesItself(
  parts: Parts,
  trx: Knex.Transaction,
  recipient: Recipient,
  proposal: ProposalRow,
  judgement: Judgement,
): Promise<boolean> {
  if (proposal.certifiedBy === null || recipient.state !== 'active') return false
  if (!lifecycleOf(judgement.policy).certifiedReplacementSkipsApproval) return false
  const active = await activeCertificateOf(trx, recipient.id)
  if (active === undefined || active.fingerprint !== proposal.certifiedBy) return false
  const notBefore = parts.clock.now()
  if (active.expiresAt !== null && active.expiresAt <= notBefore) return false
  // Another policy since it was judged: whoever approves it will judge it again.
  if (!(await stillHolds(parts, trx, judgement))) return false
  next({ recipient: recipient.state, proposal: 'proved' }, 'certify')
  const proved: ProposalRow = { ...proposal, state: 'proved' }
  if (judgement.reasons.length > 0) await dropNotAllowed(parts, trx, recipient, proved, judgement)
  else await settleApproved(parts, trx, { kind: 'gateway' }, recipient, proved, null, judgement)
  return true
}

function assertChallengeable({ clock }: Parts, open: ProposalRow | undefined): ProposalRow {
  if (open?.state !== 'proposed') throw new SealpostError('state_conflict')
  if (open.nonceSentAt !== null && clock.now().getTime() - open.nonceSentAt.getTime() < minute)
    throw new SealpostError('too_many_requests')
  return open
}

async function ownerOfPage(parts: Parts, session: string): Promise<RecipientId | undefined> {
  try {
    return (await recipientOfSession(parts, session)).id
  } catch (error) {
    // A page that is over: the code alone speaks.
    if (error instanceof SealpostError && error.code === 'link_invalid') return undefined
    throw error
  }
}

async function refuse(parts: Parts, owner: RecipientId | undefined, peer: string): Promise<never> {
  const refusal = new SealpostError('possession_not_proved')
  const counted = owner !== undefined && (await countTry(parts, owner))
  if (counted) markRecorded(refusal)
  else await recordRefusal(parts, refusal, peer)
  throw refusal
}

/** Whether there was a proposal to count it for. */
function countTry({ knex, clock }: Parts, id: RecipientId): Promise<boolean> {
  return knex.transaction(async trx => {
    const { open } = await lockedWithProposal(trx, id)
    if (open?.state !== 'proposed') return false
    const tries = open.nonceTries + 1
    const over = tries >= mostTries ? { nonce_sha256: null, nonce_expires_at: null } : {}
    await moveProposal(trx, open, 'proposed', { nonce_tries: tries, ...over })
    await appendEvents(trx, clock, [
      {
        actor: { kind: 'recipient', id },
        event: { type: 'possession.refused', recipient: id, proposal: open.id },
      },
    ])
    return true
  })
}
