import type { Address } from '../../kernel/index.ts'
import type { Fetcher } from '../../platform/https/index.ts'
import { keyserverAt } from './vks.ts'
import { askWkd } from './wkd.ts'

/** A file that somebody published for an address. Nothing of it is checked yet, and being found earns it no trust. */
export interface Candidate {
  readonly source: 'wkd' | 'vks'
  readonly bytes: Uint8Array
}

export interface Discovery {
  /** What the domain and the keyserver have for this address, the domain's first; empty when nothing can be had. */
  find(address: Address): Promise<readonly Candidate[]>
}

/** `keyserver` is the origin of a verifying keyserver; undefined: none is asked. */
export function openDiscovery(fetcher: Fetcher, keyserver: URL | undefined): Discovery {
  const server = keyserver && keyserverAt(keyserver, fetcher)
  return {
    async find(address) {
      const [wkd, vks] = await Promise.all([askWkd(fetcher, address), server?.byAddress(address)])
      return [
        ...(wkd.ok ? [{ source: 'wkd', bytes: wkd.bytes } as const] : []),
        ...(vks?.ok === true ? [{ source: 'vks', bytes: vks.bytes } as const] : []),
      ]
    },
  }
}
