declare const brand: unique symbol

/** A mailbox that passed {@link isAddress}. Compared byte for byte everywhere, never repaired. */
export type Address = string & { readonly [brand]: 'Address' }

const atom = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\`{|}~-]+`
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const form = new RegExp(`^${atom}(?:\\.${atom})*@${label}(?:\\.${label})*$`)

/**
 * Whether `text` is a plain mailbox: a dot-atom, one `@`, a host name of letters, digits and hyphens whose last
 * label is not a number (RFC 5321 section 4.1.2, without quoted strings, comments, address literals or SMTPUTF8).
 * Everything odd that RFC 5322 allows besides is refused: it is how mail is redirected.
 */
export function isAddress(text: string): text is Address {
  if (text.length > 254 || !form.test(text)) return false
  const at = text.indexOf('@')
  return at <= 64 && text.length - at - 1 <= 253 && !/(?:^|[.@])[0-9]+$/.test(text)
}

/** The domain of an address in lower case: the name of its destination. */
export function domainOf(address: Address): string {
  return address.slice(address.indexOf('@') + 1).toLowerCase()
}
