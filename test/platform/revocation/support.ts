import type { Clock } from '../../../src/kernel/index.ts'
import { type ListStore, openRevocation, type SignedFetch } from '../../../src/platform/revocation/index.ts'

export const good = { status: 'good', source: 'crl' }
export const revoked = { status: 'revoked', source: 'crl' }
export const stale = { status: 'stale', source: null }
export const listUrl = 'http://crl.ca.test/all.crl'

export interface Outside {
  readonly fetch: SignedFetch
  /** What is to be had where; what is not there cannot be fetched. */
  readonly places: Map<string, Buffer>
  /** Every URL that was asked for, in order. */
  readonly asked: string[]
}

/** The CA's servers, played; test/platform/revocation/fetch.test.ts has real ones. */
export function outside(places: Readonly<Record<string, Buffer>> = {}): Outside {
  const map = new Map(Object.entries(places))
  const asked: string[] = []
  return {
    places: map,
    asked,
    fetch: async url => {
      asked.push(url.href)
      await new Promise(setImmediate)
      return map.get(url.href)
    },
  }
}

type Kept = Parameters<ListStore['keep']>[0]

export function memoryStore(): ListStore & { readonly lists: Map<string, Kept> } {
  const lists = new Map<string, Kept>()
  return {
    lists,
    find: url => Promise.resolve(lists.get(url)),
    keep: list => {
      lists.set(list.url, list)
      return Promise.resolve()
    },
  }
}

/** A clock that a test moves on. */
export function movableClock(): Clock & { pass(milliseconds: number): void } {
  let passed = 0
  return {
    now: () => new Date(Date.now() + passed),
    pass: milliseconds => {
      passed += milliseconds
    },
  }
}

export function checkOf(where: Outside, more: { store?: ListStore; clock?: Clock } = {}) {
  const { store = memoryStore(), clock = movableClock() } = more
  return openRevocation({ store, clock, fetch: where.fetch })
}
