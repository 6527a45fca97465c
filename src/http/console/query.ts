import type { Request } from 'express'
import { z } from 'zod'
import { type DeliveryId, isAddress, isId, type RecipientId, SealpostError } from '../../kernel/index.ts'
import { cardDataOf } from '../../platform/index.ts'

/** The query of a request, by name. Throws `invalid_request` for what is repeated, unknown or of another form. */
export function readQuery<Schema extends z.ZodType>(request: Request, schema: Schema): z.infer<Schema> {
  return checked(schema, readFields(request))
}

/** The fields of a query that are not empty, unchecked. Throws `request_refused` for one that is there twice. */
export function readFields(request: Request): Readonly<Record<string, string>> {
  const query = new Map<string, string>()
  for (const [name, value] of new URL(request.url, 'https://console.invalid').searchParams) {
    if (query.has(name)) throw new SealpostError('request_refused')
    // An empty field of a form is one that was left out.
    if (value !== '') query.set(name, value)
  }
  return Object.fromEntries(query)
}

/** What the schema makes of a value from outside. Throws `invalid_request` with places and codes, never with values. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new SealpostError('invalid_request', {
    errors: result.error.issues.map(({ path, code }) => ({
      pointer: path.map(step => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
      // Our own checks have no better word in zod.
      code: code === 'custom' ? 'malformed' : code,
    })),
  })
}

export const limit = z
  .string()
  .regex(/^[1-9][0-9]{0,2}$/)
  .transform(Number)
  .refine(count => count <= 200)
  .default(50)

export const recipientId = z.custom<RecipientId>(value => typeof value === 'string' && isId('rcp', value))

/** The fingerprints of a primary key and of its encryption subkey. */
export const certificateName = z
  .string()
  .regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})-(?:[0-9A-F]{40}|[0-9A-F]{64})$/)
  .transform(text => {
    const [fingerprint = '', encryptionSubkey = ''] = text.split('-')
    return { fingerprint, encryptionSubkey }
  })

/** A day or a point in time. */
export const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .transform(text => new Date(text))

/** Until when something holds: all of that day, where a day is named. */
export const lastMoment = z
  .union([z.iso.date().transform(day => `${day}T23:59:59.999Z`), z.iso.datetime({ offset: true })])
  .transform(text => new Date(text))

/** A few words to search by. Card numbers have no place in an address. */
export const words = z
  .string()
  .max(200)
  .refine(text => cardDataOf(text) === undefined)

export function idOf(request: Request, name = 'id'): string {
  const id = request.params[name]
  return typeof id === 'string' ? id : ''
}

/** Throws `not_found` for what is not even the form of an id. */
export function recipientOf(request: Request): RecipientId {
  const id = idOf(request)
  if (!isId('rcp', id)) throw new SealpostError('not_found')
  return id
}

/** Throws `not_found` for what is not even the form of an id. */
export function deliveryOf(request: Request): DeliveryId {
  const id = idOf(request)
  if (!isId('dlv', id)) throw new SealpostError('not_found')
  return id
}

/** In whatever case. Throws `not_found` for what is no domain. */
export function domainOfPath(request: Request): string {
  const domain = idOf(request, 'domain').toLowerCase()
  if (!isAddress(`a@${domain}`) || cardDataOf(domain) !== undefined) throw new SealpostError('not_found')
  return domain
}

/** In whatever case and grouping people copy it. Throws `not_found` for what is no fingerprint. */
export function fingerprintOf(request: Request): string {
  const text = idOf(request, 'fingerprint').replaceAll(' ', '').toUpperCase()
  if (!/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(text)) throw new SealpostError('not_found')
  return text
}

/** Without the entries that are undefined. */
export function present<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as {
    [Key in keyof Value]: Exclude<Value[Key], undefined>
  }
}
