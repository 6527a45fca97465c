import type { TlsEvidence } from '../../audit/index.ts'
import type { Ciphertext, Clock } from '../../kernel/index.ts'
import type { SignMail } from '../dkim/sign.ts'
import { reaches } from '../level.ts'
import type { FailureOutcome, Outcome } from '../outcome.ts'
import { returnPathOf } from '../return-path.ts'
import type { Opening, Peer } from '../smtp/open-session.ts'
import type { Reply } from '../smtp/reply.ts'
import { replyText } from '../smtp/reply.ts'
import type { SendResult, Session } from '../smtp/session.ts'
import type { PendingDelivery } from '../store.ts'
import { type WireMessage, wireMessage } from '../wire-message.ts'
import type { LastCheck, SendingPolicy } from './last-check.ts'

/** A job of the queue that this courier has, and the delivery that it is for. */
export interface HeldDelivery {
  readonly job: { readonly id: string; readonly retryCount: number }
  readonly delivery: PendingDelivery
}

/** How one attempt went. */
export interface AttemptResult {
  readonly held: HeldDelivery
  /** Whether the attempt was begun in the database; one that came to nothing before that is counted when it is settled. */
  readonly begun: boolean
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly outcome: Outcome
  readonly peer: Peer | undefined
  readonly tls: TlsEvidence | undefined
  readonly replyCode: number | undefined
  readonly reply: string | undefined
}

/** An open connection of one destination. */
export interface Connection {
  readonly session: Session
  readonly peer: Peer
}

/** The outbound gate of `sealer/host`. Throws when the bytes are not one message for this subkey. */
export type Admit = (
  bytes: Uint8Array,
  target: { readonly encryptionSubkey: string; readonly format: 'seipdv1' | 'seipdv2' },
) => Ciphertext

export interface AttemptDependencies {
  readonly clock: Clock
  readonly admit: Admit
  readonly sign?: SignMail
  readonly returnPathDomain?: string | undefined
  readonly lastCheck: LastCheck
}

/**
 * Sends one delivery over `connection`. Undefined when it turned out to be another courier's, or settled: then nothing
 * was sent and there is nothing to record.
 *
 * The last look at recipient, certificate and fence is the step right before MAIL FROM (invariant 7).
 */
export async function sendDelivery(
  dependencies: AttemptDependencies,
  held: HeldDelivery,
  { session, peer }: Connection,
): Promise<AttemptResult | undefined> {
  const { clock, admit, sign, returnPathDomain, lastCheck } = dependencies
  const { delivery } = held
  const startedAt = clock.now()
  const finish = (outcome: Outcome, reply?: Reply): AttemptResult => ({
    ...unsent(held, startedAt, clock.now(), outcome),
    begun: true,
    peer,
    tls: session.evidence,
    replyCode: reply?.code,
    reply: reply === undefined ? undefined : replyText(reply),
  })

  const checked = await lastCheck(delivery)
  if (checked === 'not_ours') return undefined
  if (checked === 'expired') return unsent(held, startedAt, clock.now(), 'expired')
  // A crash here leaves an attempt that was begun and not recorded; the job's heartbeat ends and another courier begins the next.
  if ('refused' in checked) return { ...finish(checked.refused), tls: undefined, peer: undefined }
  const tooWeak = shortOf(checked.policy, session.evidence)
  if (tooWeak !== undefined) return finish(tooWeak)
  let ciphertext: Ciphertext
  try {
    ciphertext = admit(checked.ciphertext, delivery)
  } catch {
    return finish('outbound_gate_refused')
  }
  const { id, from, address: to, date, messageId } = delivery
  const unsigned = wireMessage({ from, to, date, messageId }, ciphertext, delivery.format)
  let message: WireMessage
  try {
    message = sign === undefined ? unsigned : await sign(unsigned, from)
  } catch {
    return finish('internal_error')
  }
  const returnPath = returnPathDomain === undefined ? from : returnPathOf(id, returnPathDomain)
  const envelope = { from: returnPath, to }
  const { outcome, reply }: SendResult = await session.send(envelope, message, { dsn: { envid: id } })
  // A crash here, after the server's 250, leaves a delivery that is sent again: the same Message-ID, the same bytes.
  return finish(outcome, reply)
}

/** In what the server falls short of the policy in force, if in anything. */
export function shortOf(
  { minTls, floor, revocation: wanted }: SendingPolicy,
  { version, rule, revocation: known }: TlsEvidence,
): FailureOutcome | undefined {
  if (minTls === 'TLSv1.3' && version !== 'TLSv1.3') return 'tls_too_weak'
  if (!reaches(rule, floor)) return 'destination_below_floor'
  if (known === 'good' || known === 'not_applicable') return undefined
  // A CA that publishes and cannot be heard is waited for: whoever hides a revocation would do just that.
  return known === 'stale' || wanted === 'required' ? 'tls_revocation_stale' : undefined
}

/** The result of an attempt that found no server to speak to, or was refused before. */
export function unsent(
  held: HeldDelivery,
  startedAt: Date,
  finishedAt: Date,
  outcome: Outcome,
  failure?: Extract<Opening, { ok: false }>,
): AttemptResult {
  return {
    held,
    begun: false,
    startedAt,
    finishedAt,
    outcome,
    peer: failure?.peer,
    tls: undefined,
    replyCode: failure?.reply?.code,
    reply: failure?.reply === undefined ? undefined : replyText(failure.reply),
  }
}
