import { createHash } from 'node:crypto'
import type { Clock } from '../../../kernel/index.ts'
import type { SignedFetch } from '../fetch.ts'
import { type Issuer, type RevokedList, readList } from './read.ts'

export interface StoredList {
  readonly url: string
  readonly der: Buffer
  readonly fetchedAt: Date
}

/** Keeps lists beyond a restart and for other replicas. A rejection is as good as an empty store. */
export interface ListStore {
  find(url: string): Promise<StoredList | undefined>
  keep(
    list: StoredList & {
      readonly issuerSha256: string
      readonly thisUpdate: Date
      readonly nextUpdate: Date
    },
  ): Promise<void>
}

export interface ListDependencies {
  readonly store: ListStore
  readonly fetch: SignedFetch
  readonly clock: Clock
}

/** A fresh list by this issuer from that place, or undefined. Never rejects. */
export type FindList = (url: URL, issuer: Issuer) => Promise<RevokedList | undefined>

interface Held {
  readonly list: RevokedList
  readonly fetchedAt: Date
}

const minute = 60_000
/** CAs publish long before a list ends; a copy older than this is asked for again, and used meanwhile until its end. */
const refreshAfter = 60 * minute
const retryAfter = minute
/** How far a CA's clock may be ahead of ours. */
const skew = 5 * minute
const mostHeldOctets = 96 * 1024 * 1024

/** Looks in memory, then in the store, then at the CA, one at a time for each list. */
export function openLists({ store, fetch, clock }: ListDependencies): FindList {
  const held = new Map<string, Held>()
  const looking = new Map<string, Promise<Held | undefined>>()
  const fetching = new Map<string, Promise<Buffer | undefined>>()
  const failedAt = new Map<string, number>()

  const isFresh = ({ list }: Held): boolean => {
    const now = clock.now().getTime()
    return list.thisUpdate.getTime() <= now + skew && now < list.nextUpdate.getTime()
  }
  const isRecent = ({ fetchedAt }: Held): boolean =>
    Math.abs(clock.now().getTime() - fetchedAt.getTime()) < refreshAfter

  const read = async (der: Buffer, fetchedAt: Date, issuer: Issuer): Promise<Held | undefined> => {
    try {
      const one = { list: await readList(der, issuer), fetchedAt }
      return isFresh(one) ? one : undefined
    } catch {
      // Not a list, or not of this issuer: nothing to rely on.
      return undefined
    }
  }

  const fromStore = async (url: string, issuer: Issuer): Promise<Held | undefined> => {
    const stored = await store.find(url).catch(() => undefined)
    return stored && read(stored.der, stored.fetchedAt, issuer)
  }

  const fromOutside = async (url: URL, issuer: Issuer): Promise<Held | undefined> => {
    const failed = failedAt.get(url.href)
    const now = clock.now()
    if (failed !== undefined && Math.abs(now.getTime() - failed) < retryAfter) return undefined
    const der = await shared(fetching, url.href, () => fetch(url))
    const found = der && (await read(der, now, issuer))
    if (found === undefined) {
      if (failedAt.size >= 1000) failedAt.clear()
      failedAt.set(url.href, now.getTime())
      return undefined
    }
    const { thisUpdate, nextUpdate } = found.list
    const issuerSha256 = identityOf(issuer)
    const kept = { url: url.href, der: found.list.der, issuerSha256, thisUpdate, nextUpdate, fetchedAt: now }
    await store.keep(kept).catch(() => undefined)
    return found
  }

  const look = async (url: URL, issuer: Issuer, known: Held | undefined): Promise<Held | undefined> => {
    const stored = newer(known, await fromStore(url.href, issuer))
    if (stored !== undefined && isRecent(stored)) return stored
    return newer(stored, await fromOutside(url, issuer))
  }

  return async (url, issuer) => {
    const key = `${identityOf(issuer)} ${url.href}`
    const before = held.get(key)
    const known = before !== undefined && isFresh(before) ? before : undefined
    if (known !== undefined && isRecent(known)) return known.list
    const found = await shared(looking, key, () => look(url, issuer, known))
    if (found === undefined) return undefined
    held.delete(key)
    held.set(key, found)
    makeRoom(held)
    return found.list
  }
}

/** What another caller has begun already is not begun again. */
async function shared<T>(running: Map<string, Promise<T>>, key: string, begin: () => Promise<T>): Promise<T> {
  const existing = running.get(key)
  if (existing !== undefined) return existing
  const begun = begin()
  running.set(key, begun)
  try {
    return await begun
  } finally {
    running.delete(key)
  }
}

/** A replayed older list, however fresh, does not bring a revoked certificate back. */
function newer(one: Held | undefined, other: Held | undefined): Held | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return other.list.thisUpdate >= one.list.thisUpdate ? other : one
}

function identityOf({ parts }: Issuer): string {
  return createHash('sha256').update(parts.subject).update(parts.key).digest('hex')
}

function makeRoom(held: Map<string, Held>): void {
  let octets = 0
  for (const { list } of held.values()) octets += list.der.length
  for (const [key, { list }] of held) {
    if (octets <= mostHeldOctets || held.size === 1) return
    held.delete(key)
    octets -= list.der.length
  }
}
