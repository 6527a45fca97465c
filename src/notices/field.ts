import { type Address, isAddress } from '../kernel/index.ts'
import { scrub } from '../platform/index.ts'

/**
 * What one field of a notice may hold. There is none for free text: a field is an address, a time, a number, a name of
 * one line that somebody with a role in this house chose, or a word from a closed list.
 */
export interface FieldKind<Value> {
  /** The value, from what a caller or the database holds; undefined when it is not of this kind. */
  readonly read: (value: unknown) => Value | undefined
}

export type Fields = Readonly<Record<string, FieldKind<unknown>>>
export type ValuesOf<Kinds extends Fields> = {
  readonly [Name in keyof Kinds]: Kinds[Name] extends FieldKind<infer Value> ? Value : never
}

const pattern = (form: RegExp): FieldKind<string> => ({
  read: value => (typeof value === 'string' && form.test(value) ? value : undefined),
})

/** One line that a person reads: an organisation, an operator. No control or invisible characters, no card number. */
export const name: FieldKind<string> = {
  read: value =>
    typeof value === 'string' && value.length <= 200 && isOneLine(value) && scrub(value) === value
      ? value
      : undefined,
}
export const address: FieldKind<Address> = {
  read: value => (typeof value === 'string' && isAddress(value) ? value : undefined),
}
/** Of 128 bits or more, as part of a path. The link around it is ours, so that no notice can lead elsewhere. */
export const token = pattern(/^[A-Za-z0-9_-]{22,128}$/)
/** Full, upper-case hex. */
export const fingerprint = pattern(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/)
/** SHA-256, lower-case hex. */
export const sha256 = pattern(/^[0-9a-f]{64}$/)
/** Of a checkpoint of the audit log: SHA-256, and the signature of a C2SP signed note by Ed25519 with its key hash, in base64. */
export const treeHead = pattern(/^[A-Za-z0-9+/]{43}=$/)
export const noteSignature = pattern(/^[A-Za-z0-9+/]{91}=$/)
/** A technical name, such as that of a policy. */
export const code = pattern(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/)
export const count: FieldKind<number> = {
  read: value => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined),
}
/** A Date; ISO text in the database. */
export const time: FieldKind<Date> = {
  read(value) {
    const date = value instanceof Date || typeof value === 'string' ? new Date(value) : undefined
    return date === undefined || Number.isNaN(date.getTime()) ? undefined : date
  },
}

export function oneOf<const Word extends string>(words: readonly Word[]): FieldKind<Word> {
  return { read: value => words.find(word => word === value) }
}

export function optional<Value>({ read }: FieldKind<Value>): FieldKind<Value | null> {
  return { read: value => (value === null ? null : read(value)) }
}

export function listOf<Kinds extends Fields>(
  kinds: Kinds,
  most: number,
): FieldKind<readonly ValuesOf<Kinds>[]> {
  return {
    read(value) {
      if (!Array.isArray(value) || value.length > most) return undefined
      const items = value.map(item => readFields(kinds, item))
      return items.some(Array.isArray) ? undefined : (items as ValuesOf<Kinds>[])
    },
  }
}

/** The values, or the names of the fields that are not what they must be. A field too many is wrong as well. */
export function readFields<Kinds extends Fields>(
  kinds: Kinds,
  given: unknown,
): ValuesOf<Kinds> | readonly string[] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return ['']
  const values = Object.entries(kinds).map(([field, { read }]) => [
    field,
    Object.hasOwn(given, field) ? read((given as Record<string, unknown>)[field]) : undefined,
  ])
  const wrong = values.filter(([, value]) => value === undefined).map(([field]) => String(field))
  const surplus = Object.keys(given).filter(field => !Object.hasOwn(kinds, field))
  if (wrong.length + surplus.length > 0) return [...wrong, ...surplus]
  return Object.fromEntries(values) as ValuesOf<Kinds>
}

function isOneLine(text: string): boolean {
  return text.isWellFormed() && text.trim() === text && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(text)
}
