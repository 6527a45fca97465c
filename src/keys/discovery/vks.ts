import type { Address } from '../../kernel/index.ts'
import type { Fetched, Fetcher } from '../../platform/https/index.ts'

/** A verifying keyserver's GET interface (https://keys.openpgp.org/about/api). */
export interface Keyserver {
  /** Upper-case hex. */
  byFingerprint(fingerprint: string): Promise<Fetched>
  /** Only what the owner of the address confirmed to the keyserver. */
  byAddress(address: Address): Promise<Fetched>
}

/** `base` is its `https:` origin. */
export function keyserverAt(base: URL, fetcher: Fetcher): Keyserver {
  const get = (path: string): Promise<Fetched> => fetcher.get(new URL(`/vks/v1/${path}`, base))
  return {
    byFingerprint: fingerprint => get(`by-fingerprint/${fingerprint}`),
    byAddress: address => get(`by-email/${encodeURIComponent(address)}`),
  }
}
