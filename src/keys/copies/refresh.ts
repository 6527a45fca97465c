import { type RecipientId, SealpostError } from '../../kernel/index.ts'
import type { Fetched, Fetcher } from '../../platform/https/index.ts'
import { keyserverAt } from '../discovery/vks.ts'
import { askWkd } from '../discovery/wkd.ts'
import { findStored, markRefreshed } from './store.ts'
import {
  type CopyDependencies,
  type CopyOutcome,
  type CopySource,
  type StoredCopy,
  takeCopy,
} from './take-copy.ts'

export interface RefreshDependencies extends CopyDependencies {
  readonly fetcher: Fetcher
  /** Origin of a verifying keyserver; undefined: none is asked. */
  readonly keyserver: URL | undefined
  /**
   * Told of a certificate of another fingerprint that the recipient's domain has for their address, and of a copy in which a
   * newer encryption subkey would be chosen. It is not checked, and all that may come of it is a proposal.
   */
  readonly propose: (recipient: RecipientId, bytes: Uint8Array, source: 'refresh') => Promise<unknown>
}

export type RefreshOutcome = Exclude<CopyOutcome['outcome'], 'another'> | 'proposed' | 'not_found'

export interface Refresh {
  /**
   * Looks for newer copies of an active or retired certificate: in its owner's Web Key Directory by address, and at the
   * keyserver by fingerprint. Says what came of it, the gravest first; that nothing could be fetched is no failure.
   * Throws `not_found`, and what the sandbox throws.
   */
  refresh(fingerprint: string): Promise<RefreshOutcome>
}

/** Gravest first. */
const order = ['revoked', 'renewed', 'proposed', 'refused', 'unchanged', 'not_found'] as const

export function openRefresh(deps: RefreshDependencies): Refresh {
  const { knex, clock, fetcher, keyserver } = deps
  const server = keyserver && keyserverAt(keyserver, fetcher)

  const take = async (
    fingerprint: string,
    { recipient, state }: StoredCopy,
    source: CopySource,
    fetched: Fetched | undefined,
  ): Promise<readonly RefreshOutcome[]> => {
    if (fetched?.ok !== true) return ['not_found']
    const { bytes } = fetched
    const copy = await takeCopy(deps, { actor: { kind: 'gateway' }, fingerprint, bytes, source })
    // A keyserver was asked for this very fingerprint: an answer of another one is a mistake or worse.
    if (copy.outcome === 'another' && source !== 'wkd') return ['refused']
    const news = copy.outcome === 'another' ? bytes : 'newer' in copy ? copy.newer : undefined
    const outcome = copy.outcome === 'another' ? [] : [copy.outcome]
    // What its owner replaced by another key is not brought back because of a new subkey.
    if (news === undefined || (copy.outcome !== 'another' && state !== 'active')) return outcome
    await deps.propose(recipient, news, 'refresh')
    return [...outcome, 'proposed']
  }

  return {
    async refresh(fingerprint) {
      const stored = await findStored(knex, fingerprint)
      if (stored === undefined) throw new SealpostError('not_found')
      const { address, state, encryptionSubkey } = stored
      if (state === 'revoked') return 'unchanged'
      const [wkd, vks] = await Promise.all([askWkd(fetcher, address), server?.byFingerprint(fingerprint)])
      // The keyserver's first: what it revokes is not proposed again.
      const outcomes = [
        ...(await take(fingerprint, stored, 'vks', vks)),
        ...(await take(fingerprint, stored, 'wkd', wkd)),
      ]
      await markRefreshed(knex, { fingerprint, encryptionSubkey }, clock.now())
      return order.find(outcome => outcomes.includes(outcome)) ?? 'not_found'
    },
  }
}
