import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

declare const brand: unique symbol
type Id<Prefix extends string> = `${Prefix}_${string}` & { readonly [brand]: Prefix }

export type MessageId = Id<'msg'>
export type DeliveryId = Id<'dlv'>
export type RecipientId = Id<'rcp'>
export type ApplicationId = Id<'app'>
export type EventId = Id<'evt'>
export type OperatorId = Id<'opr'>
export type ChangeRequestId = Id<'chg'>
export type ProposalId = Id<'prp'>
export type AttestationId = Id<'att'>
export type NoticeId = Id<'ntc'>
export type PolicyRecordId = Id<'pol'>
export type WebhookId = Id<'whk'>

interface IdOf {
  msg: MessageId
  dlv: DeliveryId
  rcp: RecipientId
  app: ApplicationId
  evt: EventId
  opr: OperatorId
  chg: ChangeRequestId
  prp: ProposalId
  att: AttestationId
  ntc: NoticeId
  pol: PolicyRecordId
  whk: WebhookId
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new identifier: the prefix, `_`, then 26 characters of Crockford base32 over 48 bits of milliseconds and
 * 80 random bits, so that ids sort by time and cannot be guessed.
 */
export function newId<Prefix extends keyof IdOf>(prefix: Prefix, clock: Clock): IdOf[Prefix] {
  let time = clock.now().getTime()
  let head = ''
  for (let i = 0; i < 10; i++) {
    head = alphabet.charAt(time % 32) + head
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (const byte of randomBytes(16)) tail += alphabet.charAt(byte & 31)
  return `${prefix}_${head}${tail}` as IdOf[Prefix]
}

/** Whether `text` has the exact form of an id with this prefix. Says nothing about whether it exists. */
export function isId<Prefix extends keyof IdOf>(prefix: Prefix, text: string): text is IdOf[Prefix] {
  return text.startsWith(`${prefix}_`) && /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(prefix.length + 1))
}
