import { type ClaimedNotice, type NoticeResult, stillClaimed } from '../../notices/index.ts'
import { type Connection, shortOf } from '../courier/attempt.ts'
import { retryDelay } from '../courier/policy.ts'
import { dispositionOf, type Outcome } from '../outcome.ts'
import type { Peer } from '../smtp/open-session.ts'
import type { WireMessage } from '../wire-message.ts'
import type { NoticeCourierOptions } from './courier.ts'
import { noticeMessage } from './message.ts'

type Dependencies = Pick<
  NoticeCourierOptions,
  'knex' | 'clock' | 'admit' | 'sign' | 'policy' | 'policyAt' | 'random'
>

/**
 * Sends one notice over `connection`. Undefined when it is another courier's by now, or withdrawn: then nothing was sent
 * and there is nothing to record. The look at the claim, and at what the policy in force asks of the server, is the step right
 * before MAIL FROM. Without a policy in force, the TLS profile of every session is the floor.
 */
export async function sendNotice(
  dependencies: Dependencies,
  claimed: ClaimedNotice,
  { session, peer }: Connection,
): Promise<NoticeResult | undefined> {
  const { sign } = dependencies
  let message: WireMessage
  try {
    message = noticeMessage(claimed, dependencies.admit)
  } catch {
    const outcome = claimed.ciphertext === null ? 'internal_error' : 'outbound_gate_refused'
    return unsentNotice(dependencies, claimed, outcome, undefined)
  }
  try {
    message = sign === undefined ? message : await sign(message, claimed.sender)
  } catch {
    return unsentNotice(dependencies, claimed, 'internal_error', undefined)
  }
  const { knex, clock, policyAt } = dependencies
  const [ours, policy] = await Promise.all([stillClaimed(knex, claimed), policyAt(clock.now())])
  if (!ours) return undefined
  const tooWeak = policy && shortOf(policy, session.evidence)
  if (tooWeak !== undefined)
    return { ...unsentNotice(dependencies, claimed, tooWeak, peer), tls: session.evidence }
  // A crash here leaves a claim; its lease ends and another courier sends the same bytes.
  const { sender: from, address: to, id: envid } = claimed
  const { outcome } = await session.send({ from, to }, message, { dsn: { envid } })
  return { ...unsentNotice(dependencies, claimed, outcome, peer), tls: session.evidence }
}

/** What `outcome` means for a notice, before any server had part in it. */
export function unsentNotice(
  { policy, random }: Pick<Dependencies, 'policy' | 'random'>,
  claimed: ClaimedNotice,
  outcome: Outcome,
  peer: Peer | undefined,
): NoticeResult {
  const about = { claimed, host: peer?.host ?? null, tls: null }
  const disposition = dispositionOf(outcome)
  if (disposition !== 'temporary') {
    return { ...about, outcome, sent: disposition === 'delivered', retryMs: undefined }
  }
  const retryMs = retryDelay(policy.retry, claimed.attempts, random)
  return retryMs > claimed.giveUpMs
    ? { ...about, outcome: 'gave_up', sent: false, retryMs: undefined }
    : { ...about, outcome, sent: false, retryMs }
}
