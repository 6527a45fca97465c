import { z } from 'zod'

/** What a schema says, as an application sees it: whatever it is told, it does not change. */
export type Told<Schema extends z.ZodType> = DeepReadonly<z.output<Schema>>

type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: DeepReadonly<Value[Name]> }
    : Value

/** An identifier of ours: a prefix, then 26 characters of Crockford base32. Sorts by time. */
const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`))

export const messageId = id('msg').meta({ description: 'Names a message.' })
export const deliveryId = id('dlv').meta({ description: 'Names a delivery: one message to one recipient.' })

// Valid with the flag `u` as well, which JSON Schema asks for: no escape that is not needed.
const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
// The last label is no number. Local part and host name have bounds of their own (RFC 5321 section 4.5.3.1).
const mailbox = new RegExp(
  `^(?=[^@]{1,64}@.{1,253}$)(?!.*[.@][0-9]+$)${atom}(?:\\.${atom})*@${label}(?:\\.${label})*$`,
)

/** As `isAddress` in kernel/address.ts, which decides; a test holds both to the same verdict. */
export const address = z.string().max(254).regex(mailbox).meta({
  description:
    'A plain mailbox: a dot-atom, `@`, a host name. Compared byte for byte. No display name, no quoted strings, no comments.',
})

/** RFC 3339, of this millennium, with `Z` or an offset, as programs write it. Seconds are a must, a fraction of up to nine digits is not. */
const rfc3339 =
  /^2[0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$/

export const instant = z.string().max(40).regex(rfc3339).refine(isOnTheCalendar).meta({
  format: 'date-time',
  description: 'A point in time, RFC 3339, with `Z` or an offset.',
})

/** What we say of time: UTC, with milliseconds. */
export const time = z.iso.datetime({ precision: 3 }).meta({
  format: 'date-time',
  description: 'A point in time in UTC.',
})

export const reference = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,128}$/)
  .meta({ description: 'The application’s own mark on a message. Stored in the clear; no card data.' })

/** A stable word for what happened. New ones may come: take those that you do not know as their kind says. */
export const code = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/)

export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ description: 'SHA-256, hex.' })

function isOnTheCalendar(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}
