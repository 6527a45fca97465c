import { isIP } from 'node:net'
import { z } from 'zod'
import { type AuditEventType, catalogue } from '../../audit/index.ts'
import {
  type ApplicationId,
  type ChangeRequestId,
  cardDataIn,
  type DeliveryId,
  isId,
  type MessageId,
  type OperatorId,
} from '../../kernel/index.ts'
import { actorKinds, type DeliveryPoint, deliveryStates, exportFormats } from '../../review/index.ts'
import { isDomain } from './forms.ts'
import { instant, limit, recipientId } from './query.ts'

/** What auditors search by, by page or by program. What is not of these forms is refused, and never echoed. */
const idNamed = <Id extends string>(prefix: Parameters<typeof isId>[0]) =>
  z.custom<Id>(value => typeof value === 'string' && isId(prefix, value))

/** Until a point in time, which is not included; or to the end of a day, in UTC. */
const end = z.union([
  z.iso.date().transform(day => new Date(new Date(day).getTime() + 86_400_000)),
  z.iso.datetime({ offset: true }).transform(text => new Date(text)),
])

/** In whatever case and grouping people copy it. */
const fingerprint = z
  .string()
  .transform(text => text.replaceAll(' ', '').toUpperCase())
  .refine(text => /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(text))

const code = z
  .string()
  .regex(/^[a-z][a-z0-9_]{1,63}$/)
  .refine(text => cardDataIn(text) === undefined)

const domain = z
  .string()
  .max(253)
  .transform(text => text.toLowerCase())
  .refine(text => isDomain(text) && cardDataIn(text) === undefined)

export const eventTypes = Object.keys(catalogue).sort() as [AuditEventType, ...AuditEventType[]]

export const eventQuery = z.strictObject({
  from: instant.optional(),
  until: end.optional(),
  type: z.enum(eventTypes).optional(),
  result: z.enum(['success', 'failure']).optional(),
  by: z.enum(actorKinds).optional(),
  recipient: recipientId.optional(),
  application: idNamed<ApplicationId>('app').optional(),
  operator: idNamed<OperatorId>('opr').optional(),
  message: idNamed<MessageId>('msg').optional(),
  delivery: idNamed<DeliveryId>('dlv').optional(),
  change: idNamed<ChangeRequestId>('chg').optional(),
  id: z
    .string()
    .regex(/^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/)
    .optional(),
  key: fingerprint.optional(),
  domain: domain.optional(),
  outcome: code.optional(),
  code: code.optional(),
  address: z
    .string()
    .max(45)
    .refine(text => isIP(text) !== 0)
    .optional(),
  format: z.enum(['json', ...exportFormats]).default('json'),
  limit,
  after: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,14})$/)
    .transform(Number)
    .optional(),
})

export const deliveryQuery = z.strictObject({
  from: instant.optional(),
  until: end.optional(),
  recipient: recipientId.optional(),
  application: idNamed<ApplicationId>('app').optional(),
  message: idNamed<MessageId>('msg').optional(),
  key: fingerprint.optional(),
  domain: domain.optional(),
  state: z.enum(deliveryStates).optional(),
  outcome: code.optional(),
  format: z.enum(['json', ...exportFormats]).default('json'),
  limit,
  after: z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,14})-(?:0|[1-9][0-9]{0,9})$/)
    .transform((text): DeliveryPoint => {
      const [leaf = 0, position = 0] = text.split('-').map(Number)
      return { leaf, position }
    })
    .optional(),
})

/** The `after` of the page that follows. */
export function afterOf(next: number | DeliveryPoint | undefined): string | null {
  if (next === undefined) return null
  return typeof next === 'number' ? String(next) : `${next.leaf}-${next.position}`
}
