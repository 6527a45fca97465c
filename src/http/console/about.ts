import { isIP } from 'node:net'
import { isId, SealpostError } from '../../kernel/index.ts'

const fields = {
  rcp: 'recipient',
  app: 'application',
  opr: 'operator',
  msg: 'message',
  dlv: 'delivery',
  chg: 'change',
} as const

type Field = (typeof fields)[keyof typeof fields] | 'id' | 'key' | 'address' | 'domain'

/**
 * What somebody wrote into the one field for whatever a search is about: ids, a fingerprint in any grouping, a domain, an IP
 * address, with spaces between them; by the name of the filter of each. Throws `invalid_request` when two are of one name.
 */
export function filtersAbout(text: string): Readonly<Partial<Record<Field, string>>> {
  const whole = text.replaceAll(' ', '')
  if (/^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/.test(whole)) return { key: whole }
  const found: Partial<Record<Field, string>> = {}
  for (const word of text.split(' ').filter(part => part !== '')) {
    const name = fieldOf(word)
    if (found[name] !== undefined) throw malformed()
    found[name] = word
  }
  return found
}

function fieldOf(word: string): Field {
  for (const [prefix, name] of Object.entries(fields) as [keyof typeof fields, Field][]) {
    if (isId(prefix, word)) return name
  }
  if (/^[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}$/.test(word)) return 'id'
  if (/^[0-9A-Fa-f]+$/.test(word)) return 'key'
  return isIP(word) === 0 ? 'domain' : 'address'
}

function malformed(): SealpostError {
  return new SealpostError('invalid_request', { errors: [{ pointer: '/about', code: 'malformed' }] })
}
