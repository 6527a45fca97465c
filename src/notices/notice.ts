import type { Address, OperatorId, RecipientId } from '../kernel/index.ts'
import { type Fields, readFields, type ValuesOf } from './field.ts'
import { forOperators } from './for-operators.ts'
import { forRecipients, forStopped } from './for-recipients.ts'
import type { Template } from './template.ts'

export const templates = { ...forRecipients, ...forStopped, ...forOperators } as const

export type NoticeKind = keyof typeof templates
type OperatorKind = keyof typeof forOperators
/** The fields of one kind. */
export type NoticeFields<Kind extends NoticeKind> = ValuesOf<(typeof templates)[Kind]['fields']>

interface ToRecipient {
  readonly recipient: RecipientId
  readonly address: Address
}
interface ToOperator {
  readonly operator: OperatorId
  readonly address: Address
}

/** A mail of our own: whom it goes to, which of the fixed texts, and its fields. A challenge is sealed, so never here. */
export type Notice = {
  [Kind in Exclude<NoticeKind, 'possession'>]: {
    readonly kind: Kind
    readonly to: Kind extends OperatorKind ? ToOperator : ToRecipient
    readonly fields: NoticeFields<Kind>
  }
}[Exclude<NoticeKind, 'possession'>]

/** The template of a kind, and the fields in the form that it takes; or the names of those that are wrong. */
export function fill(
  kind: NoticeKind,
  fields: unknown,
): { readonly template: Template; readonly values: ValuesOf<Fields> } | readonly string[] {
  const template: Template = templates[kind]
  const values = readFields(template.fields, fields)
  return Array.isArray(values) ? values : { template, values: values as ValuesOf<Fields> }
}

export function isNoticeKind(text: string): text is NoticeKind {
  return Object.hasOwn(templates, text)
}

/** Whether the text ends with the link that stops the use of the recipient's key. */
export function stopTokenOf(values: ValuesOf<Fields>): string | undefined {
  const value = values['stopToken']
  return typeof value === 'string' ? value : undefined
}

export function isForOperators(kind: NoticeKind): boolean {
  return Object.hasOwn(forOperators, kind)
}

/** The kinds that open a page or prove something: void when what they open is. */
export const openingKinds: readonly string[] = Object.entries<Template>(templates)
  .filter(([, { fields }]) => 'enrolToken' in fields || 'proveToken' in fields)
  .map(([kind]) => kind)
