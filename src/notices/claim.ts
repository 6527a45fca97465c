import type { Knex } from 'knex'
import { appendEvents, type TlsEvidence } from '../audit/index.ts'
import type { Clock } from '../kernel/index.ts'
import { withheldIfCard } from '../platform/index.ts'
import { readFields } from './field.ts'
import { isNoticeKind } from './notice.ts'
import { type NoticeMail, type NoticeOuter, renderNotice } from './render.ts'
import { settingsFields } from './sender.ts'
import {
  type ClaimedRow,
  claimDue,
  endNotices,
  lockNotice,
  postponeNotice,
  releaseClaims,
  renewLease,
} from './store.ts'

/** A notice that one courier has for now. */
export type ClaimedNotice = ClaimedRow

/** A claim ends after this, unless renewed. Longer than a session may take (`delivery`, 150 s). */
const lease = 5 * 60_000

/** Takes due notices, for domains other than `except`; each goes to one caller, until its lease is over. */
export function claimNotices(
  knex: Knex,
  limit: number,
  except: readonly string[],
): Promise<readonly ClaimedNotice[]> {
  return claimDue(knex, limit, except, lease)
}

/** The look right before MAIL FROM: whether the claim still holds. Its lease begins anew then. */
export function stillClaimed(knex: Knex, claimed: ClaimedNotice): Promise<boolean> {
  return renewLease(knex, claimed, lease)
}

/** Gives back what was not tried, for anyone to take at once. */
export function releaseNotices(knex: Knex, claimed: readonly ClaimedNotice[]): Promise<void> {
  return releaseClaims(knex, claimed)
}

export function outerHeadersOf({ sender: from, address: to, date, messageId }: ClaimedNotice): NoticeOuter {
  return { from, to, date, messageId }
}

/** The mail of a notice that is not sealed; the same bytes each time. Throws a `TypeError` when it cannot be rendered. */
export function mailOf(claimed: ClaimedNotice): NoticeMail {
  const parts = readFields({ sender: objectOf, values: objectOf }, claimed.fields)
  if (!('sender' in parts) || !isNoticeKind(claimed.kind)) throw new TypeError('notice: not one of ours')
  const rest = readFields(settingsFields, parts.sender)
  if (!('mailHost' in rest)) throw new TypeError('notice: sender')
  return renderNotice(claimed.kind, parts.values, { from: claimed.sender, ...rest }, outerHeadersOf(claimed))
}

const objectOf = {
  read: (value: unknown) => (typeof value === 'object' && value !== null ? value : undefined),
}

/** How an attempt to send a notice went. `retryMs`: undefined when it is over, one way or the other. */
export interface NoticeResult {
  readonly claimed: ClaimedNotice
  readonly sent: boolean
  /** A named outcome of `delivery/outcome.ts`. */
  readonly outcome: string
  readonly retryMs: number | undefined
  readonly host: string | null
  readonly tls: TlsEvidence | null
}

/**
 * Records an attempt, with its event, in one transaction. What was sent is sent, also when another courier has it by now;
 * any other result counts only while the claim holds. May be called again when it is not known whether it succeeded.
 */
export async function settleNotice(knex: Knex, clock: Clock, result: NoticeResult): Promise<void> {
  const { claimed, sent, outcome, retryMs, host, tls } = result
  const { id, attempts: attempt } = claimed
  await knex.transaction(async trx => {
    const now = await lockNotice(trx, id)
    if (now === undefined) return
    const mine = now.attempts === attempt
    // By this very attempt, when the answer to its first commit was lost.
    if (sent && mine && now.state === 'sent') return
    if (!sent && !(mine && now.state === 'queued')) return
    // Also what was withdrawn, or given up by another, meanwhile: it did go out.
    if (sent) await endNotices(trx, [id], { state: 'sent', outcome, at: clock.now() })
    else if (retryMs === undefined) await endNotices(trx, [id], { state: 'failed', outcome, at: clock.now() })
    else await postponeNotice(trx, id, outcome, retryMs)
    const type = sent ? 'notice.sent' : retryMs === undefined ? 'notice.failed' : 'notice.deferred'
    await appendEvents(trx, clock, [
      {
        actor: { kind: 'gateway' },
        event: { type, notice: id, attempt, outcome, host: host === null ? null : withheldIfCard(host), tls },
      },
    ])
  })
}
