import type { Knex } from 'knex'
import { type Application, maySendFrom } from '../access/index.ts'
import { recordEvent } from '../audit/index.ts'
import { type DestinationRule, destinationsOf } from '../delivery/index.ts'
import {
  type Address,
  type Clock,
  domainOf,
  type ErrorCode,
  type Plaintext,
  type RecipientCode,
  SealpostError,
} from '../kernel/index.ts'
import type { BodyForm, CardCounts, MessageFacts, SealerPool } from '../sealer/host/index.ts'
import { judgeCards } from './judge-cards.ts'
import { type JudgedMessage, judgeAll, judgeExpiry } from './resolve-recipients.ts'

interface CheckDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly sealer: Pick<SealerPool, 'check'>
}

/** What would happen to a message. */
export interface CheckedMessage {
  readonly problems: readonly CheckProblem[]
  readonly recipients: readonly CheckedRecipient[]
  readonly cards: Pick<CardCounts, 'count' | 'brands'>
}

export interface CheckProblem {
  readonly code: ErrorCode
  /** Where in the message. */
  readonly pointer?: string
}

export type CheckedRecipient =
  | { readonly address: Address; readonly code: RecipientCode }
  | {
      readonly address: Address
      /** The name of the policy in force, if one is. */
      readonly policy: string | undefined
      readonly format: 'seipdv1' | 'seipdv2'
      /** Fingerprint of the subkey. */
      readonly encryptionKey: string
      readonly keyExpires: Date | undefined
      readonly destination: DestinationRule['mode'] | undefined
    }

/** What the sealer says of a message that it could read; the message has a problem then, not the request. */
const ofContent: ReadonlySet<ErrorCode> = new Set([
  'sad_detected',
  'pan_not_allowed_here',
  'metadata_not_removable',
])

/**
 * Says what would happen to a message if it were submitted now, and forgets it. Its content may be missing; what depends on it is
 * not judged then. Without problems, it would be accepted. Nothing is stored but the event that says what was found: who may
 * receive is not to be learned in silence. Throws what reading the body throws.
 */
export type Check = (
  application: Application,
  body: AsyncIterable<Plaintext>,
  form: BodyForm,
) => Promise<CheckedMessage>

export function openCheck({ knex, clock, sealer }: CheckDependencies): Check {
  return async (application, body, form) => {
    const facts = await readFacts(() => sealer.check(body, form))
    const at = clock.now()
    const judged = 'problems' in facts ? undefined : (await judgeAll(knex, [facts.to], at))[0]
    const report =
      'problems' in facts || judged === undefined
        ? unread(facts)
        : await judge(knex, application, facts, judged, at)
    const refused = judged?.recipients.filter(one => 'code' in one) ?? []
    const known = refused.flatMap(({ recipient, code }) => (recipient == null ? [] : [{ recipient, code }]))
    await recordEvent(
      knex,
      clock,
      { kind: 'application', id: application.id },
      {
        type: 'message.checked',
        accepted: report.problems.length === 0,
        problems: [...new Set(report.problems.map(({ code }) => code))],
        cards: { count: report.cards.count, brands: report.cards.brands },
        recipients: known,
        unknownRecipients: refused.length - known.length,
      },
    )
    return report
  }
}

type Unread = Pick<CheckedMessage, 'problems'>

async function readFacts(read: () => Promise<MessageFacts>): Promise<MessageFacts | Unread> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SealpostError && ofContent.has(error.code)) return { problems: problemsOf(error) }
    throw error
  }
}

function unread(facts: MessageFacts | Unread): CheckedMessage {
  const problems = 'problems' in facts ? facts.problems : []
  return { problems, recipients: [], cards: { count: 0, brands: [] } }
}

async function judge(
  knex: Knex,
  application: Application,
  facts: MessageFacts,
  { recipients, inForce }: JudgedMessage,
  at: Date,
): Promise<CheckedMessage> {
  const { from, replyTo, to, cards, hasContent } = facts
  const rules = await destinationsOf(knex, [...new Set(to.map(domainOf))])
  const problems = [
    ...problemsThrown(() => judgeExpiry(facts, at)),
    ...(maySendFrom(application, from) ? [] : [{ code: 'sender_not_allowed', pointer: '/from' } as const]),
    ...(replyTo === undefined || maySendFrom(application, replyTo)
      ? []
      : [{ code: 'sender_not_allowed', pointer: '/replyTo' } as const]),
    // Whether what is not there has card numbers, only the message itself will say.
    ...(hasContent ? problemsThrown(() => judgeCards(application, cards)) : []),
    ...(inForce === undefined ? [{ code: 'sending_not_approved' } as const] : []),
    ...(recipients.some(one => 'code' in one)
      ? [{ code: 'recipients_refused', pointer: '/to' } as const]
      : []),
  ]
  return {
    problems,
    recipients: recipients.map(one => {
      if ('code' in one) return { address: one.address, code: one.code }
      const { encryptionSubkey: encryptionKey, format, expiresAt } = one.certificate
      return {
        address: one.address,
        policy: inForce?.policy.name,
        format,
        encryptionKey,
        keyExpires: expiresAt ?? undefined,
        destination: rules.get(domainOf(one.address))?.mode,
      }
    }),
    cards: { count: cards.count, brands: cards.brands },
  }
}

function problemsThrown(judging: () => void): readonly CheckProblem[] {
  try {
    judging()
    return []
  } catch (error) {
    if (error instanceof SealpostError) return problemsOf(error)
    throw error
  }
}

/** One for each place, or one. */
function problemsOf({ code, details: { errors = [] } }: SealpostError): readonly CheckProblem[] {
  return errors.length === 0 ? [{ code }] : errors.map(({ pointer }) => ({ code, pointer }))
}
