import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { type Application, maySendFrom } from '../access/index.ts'
import { destinationsOf } from '../delivery/index.ts'
import {
  type Address,
  type Clock,
  domainOf,
  type PolicyRecordId,
  type RecipientRefusal,
  SealpostError,
} from '../kernel/index.ts'
import { inBatches } from '../platform/index.ts'
import { policyInForce } from '../policy/index.ts'
import { type ResolvedRecipient, resolveRecipients } from '../recipients/index.ts'
import type { MessageMetadata, OuterHeaders, SealTarget } from '../sealer/host/index.ts'

export interface Addressee extends SealTarget {
  readonly recipient: ResolvedRecipient
  /** What the policy in force says of how long a delivery is tried. */
  readonly giveUpHours: number
  readonly policy: JudgedBy
}

/** The policy in force that recipients and keys were judged by, as the audit log names it. */
export interface JudgedBy {
  readonly record: PolicyRecordId
  readonly name: string
  readonly sha256: string
}

/**
 * Tells who a message goes to, each with the pinned subkey and the outer headers. All of them or none: throws
 * `invalid_message` when it has expired, `sender_not_allowed`, `sending_not_approved` while no policy is in force, or `recipients_refused` with a code for each one that cannot receive it (invariant 6). Messages
 * that come at the same time share the queries.
 */
export function openResolution(
  knex: Knex,
  clock: Clock,
  mailHost: string,
): (application: Application, message: MessageMetadata) => Promise<readonly Addressee[]> {
  const judge = inBatches(64, (messages: readonly (readonly Address[])[]) =>
    judgeAll(knex, messages, clock.now()),
  )

  return async (application, message) => {
    const { from, to, replyTo = from } = message
    judgeExpiry(message, clock.now())
    if (![from, replyTo].every(address => maySendFrom(application, address)))
      throw new SealpostError('sender_not_allowed')
    const { inForce, recipients } = await judge(to)
    if (inForce === undefined) throw new SealpostError('sending_not_approved')
    const { giveUpHours, policy } = inForce
    const refusals = recipients.filter(one => 'code' in one)
    if (refusals.length > 0) throw new SealpostError('recipients_refused', { recipients: refusals })

    const date = clock.now().toUTCString().replace('GMT', '+0000')
    return recipients
      .filter(one => 'certificate' in one)
      .map(recipient => ({
        recipient,
        giveUpHours,
        policy,
        certificate: recipient.certificate.bytes,
        encryptionSubkey: recipient.certificate.encryptionSubkey,
        format: recipient.certificate.format,
        outer: outerHeaders(from, recipient.address, date, mailHost),
      }))
  }
}

type Judged = ResolvedRecipient | RecipientRefusal

export interface JudgedMessage {
  /** In order. */
  readonly recipients: readonly Judged[]
  /** Undefined: nothing may be sent. */
  readonly inForce: { readonly giveUpHours: number; readonly policy: JudgedBy } | undefined
}

/** Throws `invalid_message` when a message is of no use to anybody any more. */
export function judgeExpiry({ expiresAt }: Pick<MessageMetadata, 'expiresAt'>, at: Date): void {
  if (expiresAt !== undefined && expiresAt <= at.getTime()) {
    throw new SealpostError('invalid_message', { errors: [{ pointer: '/expiresAt', code: 'past' }] })
  }
}

/** For each message its recipients, each resolved or refused. */
export async function judgeAll(
  knex: Knex,
  messages: readonly (readonly Address[])[],
  at: Date,
): Promise<readonly JudgedMessage[]> {
  const addresses = [...new Set(messages.flat())]
  const [adopted, { usable, refused }, destinations] = await Promise.all([
    policyInForce(knex, at),
    resolveRecipients(knex, addresses, at),
    destinationsOf(knex, [...new Set(addresses.map(domainOf))]),
  ])
  const judged = new Map<Address, Judged>(refused.map(refusal => [refusal.address, refusal]))
  for (const resolved of usable) {
    const { address, recipient } = resolved
    const reachable = destinations.has(domainOf(address))
    judged.set(address, reachable ? resolved : { address, recipient, code: 'destination_missing' })
  }
  return messages.map(to => ({
    inForce: adopted && {
      giveUpHours: adopted.policy.lifecycle.giveUpHours,
      policy: { record: adopted.record.id, name: adopted.record.policy, sha256: adopted.record.sha256 },
    },
    recipients: to.map(address => judged.get(address) ?? { address, code: 'recipient_unknown' }),
  }))
}

function outerHeaders(from: Address, to: Address, date: string, mailHost: string): OuterHeaders {
  return { from, to, date, messageId: `<${randomBytes(16).toString('hex')}@${mailHost}>` }
}
