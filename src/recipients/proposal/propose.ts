import { appendEvents } from '../../audit/index.ts'
import { newId, type ProposalId, SealpostError } from '../../kernel/index.ts'
import { explainReason } from '../../keys/index.ts'
import type { CertificateReason } from '../../sealer/host/index.ts'
import type { Parts } from '../dependencies.ts'
import { recipientOfSession } from '../link/pages.ts'
import type { Enrolment } from '../open-enrolment.ts'
import type { ProposalSource, ProposeOutcome, Reason, Recipient } from '../recipient.ts'
import { assertStep, lockedWithProposal } from '../standing/locked.ts'
import {
  type ActiveCertificate,
  activeCertificateOf,
  findRecipient,
  isEnrollable,
  revocableOf,
} from '../standing/store.ts'
import { showProposal } from '../view/view.ts'
import { makeChallenge } from './challenge.ts'
import { dropProposal } from './drop.ts'
import { type Accepted, type Judged, judge } from './judge.ts'
import { revokedByFile, takeOwnCopy } from './own-copy.ts'
import { countSince, findProposal, insertProposal, openProposalOf, wasProposed } from './store.ts'

const day = 86_400_000
/** Each one mails a code, so that nobody can have a mailbox flooded. */
const mostInADay = 20

export function openProposing(parts: Parts): Pick<Enrolment, 'propose'> {
  const { knex, clock, sealer } = parts
  return {
    async propose(from, bytes, source) {
      if (sealer === undefined) throw new SealpostError('sealed')
      const recipient =
        'recipient' in from
          ? await findRecipient(knex, from.recipient)
          : await recipientOfSession(parts, from.session)
      if (recipient === undefined) throw new SealpostError('not_found')
      assertStep('propose', recipient, undefined)
      const active = await activeCertificateOf(knex, recipient.id)
      const mine = await revocableOf(knex, recipient.id)
      let judged = await judge(parts, recipient, bytes, active)
      const own = mine.find(({ fingerprint }) => fingerprint === judged.fingerprint)
      // What a refresh brings has been taken as a copy before, by whom asked for it.
      if (own !== undefined && source !== 'refresh') {
        const { outcome, newer } = await takeOwnCopy(parts, recipient, own, bytes)
        // With all that we know of the key: whoever has an older copy of it does not bring that back.
        const rejudged = newer && (await judge(parts, recipient, newer, active))
        if (rejudged?.accepted !== undefined && (await isEnrollable(knex, recipient.id, rejudged.accepted)))
          judged = rejudged
        else if (outcome !== undefined && (own.state === 'active' || outcome.outcome === 'revoked'))
          return outcome
      }
      if (judged.accepted === undefined) {
        // `gpg --gen-revoke` writes a file that people upload where they uploaded the key.
        const revoked = await revokedByFile(parts, recipient, mine, bytes)
        if (revoked !== undefined) return { outcome: 'revoked', fingerprint: revoked }
        return reject(parts, recipient, bytes, judged)
      }
      if (source === 'refresh' && (await isOldNews(parts, recipient, judged.accepted)))
        return { outcome: 'unchanged', fingerprint: judged.accepted.fingerprint }
      if (!(await isEnrollable(knex, recipient.id, judged.accepted)))
        throw new SealpostError('certificate_in_use')
      if ((await countSince(knex, recipient.id, new Date(clock.now().getTime() - day))) >= mostInADay)
        throw new SealpostError('too_many_requests')
      return proposeAccepted(parts, recipient, judged, judged.accepted, active, source)
    },
  }
}

/** Keeps the codes of the reasons, and of the file nothing. */
async function reject(
  { knex, clock }: Parts,
  recipient: Recipient,
  bytes: Uint8Array,
  { verdict, fingerprint }: Judged,
): Promise<ProposeOutcome> {
  const isPrivate = verdict.reasons.includes('private_key')
  if (isPrivate) bytes.fill(0)
  const certificate = isPrivate ? null : fingerprint
  await knex.transaction(trx =>
    appendEvents(trx, clock, [
      {
        actor: { kind: 'recipient', id: recipient.id },
        event: {
          type: 'certificate.rejected',
          recipient: recipient.id,
          certificate,
          reasons: verdict.reasons,
        },
      },
    ]),
  )
  return { outcome: 'rejected', verdict, reasons: explain(verdict.reasons) }
}

/** What a directory shows is news once, and never in the way of what the recipient does. */
async function isOldNews({ knex }: Parts, { id }: Recipient, accepted: Accepted): Promise<boolean> {
  return (
    (await openProposalOf(knex, id)) !== undefined ||
    (await wasProposed(knex, id, accepted)) ||
    !(await isEnrollable(knex, id, accepted))
  )
}

async function proposeAccepted(
  parts: Parts,
  { id: recipientId, address }: Recipient,
  { verdict, cutOff }: Judged,
  accepted: Accepted,
  active: ActiveCertificate | undefined,
  source: ProposalSource,
): Promise<ProposeOutcome> {
  const { knex, clock, tell } = parts
  const id: ProposalId = newId('prp', clock)
  const actor =
    source === 'refresh' ? ({ kind: 'gateway' } as const) : ({ kind: 'recipient', id: recipientId } as const)
  const challenge = await makeChallenge(parts, { recipient: recipientId, address, ...accepted })
  // A crash here leaves a mail that was sealed and never queued; the recipient proposes again.
  const proposal = await knex.transaction(async trx => {
    const { recipient, open } = await lockedWithProposal(trx, recipientId)
    assertStep('propose', recipient, open)
    if (open !== undefined) {
      if (source === 'refresh') throw new SealpostError('state_conflict')
      await dropProposal(trx, clock, actor, open, 'replaced')
    }
    const certifiedBy = accepted.certified ? (active?.fingerprint ?? null) : null
    const { bytes, fingerprint, encryptionSubkey, algorithm, format, rsaModuli, expiresAt } = accepted
    await insertProposal(trx, {
      id,
      recipient: recipientId,
      ...{ bytes, fingerprint, encryptionSubkey, algorithm, format, rsaModuli, expiresAt },
      source,
      certifiedBy,
      proposedAt: clock.now(),
      nonce: challenge.nonce,
    })
    await appendEvents(trx, clock, [
      {
        actor,
        event: {
          type: 'certificate.proposed',
          recipient: recipientId,
          proposal: id,
          certificate: fingerprint,
          encryptionSubkey,
          source,
          certifiedBy,
          algorithm,
          format,
          expires: expiresAt?.toISOString() ?? null,
        },
      },
    ])
    await challenge.send(trx, id)
    if (active !== undefined) {
      // In clear, too: who holds only the old key has to hear of it.
      await tell.recipient(trx, recipient, 'replacement_proposed', { fingerprint })
      const report = source === 'refresh' ? 'refresh_found_other_key' : 'replacement_proposed'
      await tell.admins(trx, address, report, fingerprint)
    }
    return findProposal(trx, id)
  })
  if (proposal === undefined) throw new Error('a proposal that was inserted is gone')
  const later = cutOff === null ? null : { at: cutOff.at, reasons: explain(cutOff.reasons) }
  return { outcome: 'proposed', verdict, proposal: showProposal(proposal), cutOff: later }
}

function explain(reasons: readonly CertificateReason[]): readonly Reason[] {
  return reasons.map(code => ({ code, ...explainReason(code) }))
}
