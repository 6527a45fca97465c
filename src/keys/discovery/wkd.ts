import { createHash } from 'node:crypto'
import { type Address, domainOf } from '../../kernel/index.ts'
import type { Fetched, Fetcher } from '../../platform/https/index.ts'
import { zBase32 } from './z-base-32.ts'

/** Where the domain of an address publishes its certificate (draft-koch-openpgp-webkey-service, section 3.1). */
export function wkdUrls(address: Address): { readonly advanced: URL; readonly direct: URL } {
  const local = address.slice(0, address.indexOf('@'))
  const domain = domainOf(address)
  const name = zBase32(createHash('sha1').update(local.toLowerCase()).digest())
  const file = `hu/${name}?l=${encodeURIComponent(local)}`
  return {
    advanced: new URL(`https://openpgpkey.${domain}/.well-known/openpgpkey/${domain}/${file}`),
    direct: new URL(`https://${domain}/.well-known/openpgpkey/${file}`),
  }
}

/**
 * What the Web Key Directory of the address's domain has for it. The direct method is asked only when the name of the
 * advanced one does not exist, as the draft demands: a server that merely fails must not send us elsewhere.
 */
export async function askWkd(fetcher: Fetcher, address: Address): Promise<Fetched> {
  const { advanced, direct } = wkdUrls(address)
  const fetched = await fetcher.get(advanced)
  return !fetched.ok && fetched.failure === 'name_unknown' ? fetcher.get(direct) : fetched
}
