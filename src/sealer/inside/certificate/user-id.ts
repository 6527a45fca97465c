import type { Address } from '../../../kernel/index.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Controls, format characters (bidi, zero width, BOM), whatever renders as nothing, unassigned, and U+FFFD. */
const deceptive = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\uFFFD]/u

const maxOctets = 1024

/** The text of a user ID; undefined unless every octet of it is plain, visible UTF-8. */
export function readUserId(body: Uint8Array): string | undefined {
  if (body.length === 0 || body.length > maxOctets) return undefined
  try {
    const text = decoder.decode(body)
    return deceptive.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Whether the addr-spec of the user ID is `address`, byte for byte: alone, or in the one pair of angle brackets at the end. */
export function userIdNames(userId: string, address: Address): boolean {
  if (userId === address) return true
  const bracketed = `<${address}>`
  return userId.endsWith(bracketed) && !/[<>]/.test(userId.slice(0, -bracketed.length))
}
