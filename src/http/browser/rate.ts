import { SealpostError } from '../../kernel/index.ts'

export interface Rate {
  /** Counts one more for `key`. Throws `too_many_requests` with the seconds to wait when that is too many. */
  take(key: string): void
  /** Throws likewise, and counts nothing. */
  check(key: string): void
}

/** A bound of memory: whoever was seen longest ago is forgotten, which at worst forgives. */
const mostKeys = 20_000

/**
 * So many in a burst, and then as many a minute. Kept in this replica's memory: it protects the replica and slows
 * guessing; what must hold across replicas (single use, expiry, tries per proposal) holds in the database. `elapsed` gives milliseconds that
 * never go back.
 */
export function openRate(
  { burst, perMinute }: { readonly burst: number; readonly perMinute: number },
  elapsed: () => number = () => performance.now(),
): Rate {
  const seen = new Map<string, { left: number; at: number }>()
  const perMs = perMinute / 60_000

  const standing = (key: string): { left: number; at: number } => {
    const at = elapsed()
    const last = seen.get(key)
    if (last === undefined) return { left: burst, at }
    return { left: Math.min(burst, last.left + (at - last.at) * perMs), at }
  }
  const assertLeft = ({ left }: { left: number }): void => {
    if (left >= 1) return
    throw new SealpostError('too_many_requests', { retryAfterSeconds: Math.ceil((1 - left) / perMs / 1000) })
  }

  return {
    check: key => assertLeft(standing(key)),
    take(key) {
      const now = standing(key)
      assertLeft(now)
      seen.delete(key)
      seen.set(key, { left: now.left - 1, at: now.at })
      const oldest = seen.size > mostKeys ? seen.keys().next().value : undefined
      if (oldest !== undefined) seen.delete(oldest)
    },
  }
}

/** Whom to count: an IPv4 address, or the /64 that somebody with IPv6 has to themselves. */
export function peerKey(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  if (!address.includes(':') || address.startsWith('::ffff:')) return address.replace(/^::ffff:/, '')
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}
