import type { Fields, ValuesOf } from './field.ts'
import type { NoticeSender } from './sender.ts'

/**
 * A fixed text with closed fields. Every string of `lines` is a paragraph; one that is a link stands alone, so that no
 * mail program breaks it.
 */
export interface Template<Kinds extends Fields = Fields> {
  readonly fields: Kinds
  /** Has no field in it: a subject is seen on locked screens and is what header injection aims at. */
  readonly subject: string
  lines(values: ValuesOf<Kinds>, sender: NoticeSender): readonly string[]
}

export function template<Kinds extends Fields>(parts: Template<Kinds>): Template<Kinds> {
  return parts
}

/** The pages of the public listener that a notice can lead to. */
export function linkTo({ publicUrl }: NoticeSender, page: 'enrol' | 'prove' | 'stop', token: string): string {
  return `${publicUrl}/${page}/${token}`
}
