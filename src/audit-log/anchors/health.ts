import type { Knex } from 'knex'
import { type AnchorStanding, findNewest, findStandings } from './store.ts'

/** How an anchor among the settings of a running gateway is. */
export interface AnchorHealth extends Pick<AnchorStanding, 'anchor' | 'state' | 'since' | 'reason'> {
  /** The newest checkpoint that it took. */
  readonly newest: { readonly size: number; readonly at: Date } | undefined
}

/** Of every anchor that is taken checkpoints to. */
export async function anchorHealth(knex: Knex): Promise<readonly AnchorHealth[]> {
  const [standings, newest] = await Promise.all([findStandings(knex), findNewest(knex)])
  return standings.map(({ anchor, state, since, reason }) => {
    const taken = newest.find(each => each.anchor === anchor)
    return { anchor, state, since, reason, newest: taken && { size: taken.size, at: taken.at } }
  })
}
