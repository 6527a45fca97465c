import type { Address } from '../kernel/index.ts'
import { address, type FieldKind, name, readFields } from './field.ts'

/** Who we are, as a notice says it. From the settings, checked before anything is queued. */
export interface NoticeSender {
  readonly from: Address
  /** Our name in the mail world: the right side of each Message-ID. */
  readonly mailHost: string
  /** Of the listener for recipients, `https:`, without a path. */
  readonly publicUrl: string
  readonly organisation: string
}

const host: FieldKind<string> = {
  read: value =>
    typeof value === 'string' && value.length <= 253 && /^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/.test(value)
      ? value
      : undefined,
}
const origin: FieldKind<string> = {
  read: value =>
    typeof value === 'string' && URL.canParse(value) && /^https:$/.test(new URL(value).protocol)
      ? new URL(value).origin
      : undefined,
}

/** What of the sender is kept with a queued notice, beside its address. */
export const settingsFields = { mailHost: host, publicUrl: origin, organisation: name }

/** The sender, or the names of what is wrong with it. */
export function readSender(given: unknown): NoticeSender | readonly string[] {
  return readFields({ from: address, ...settingsFields }, given)
}
