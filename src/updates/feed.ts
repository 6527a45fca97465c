import type { Knex } from 'knex'
import type { ApplicationId, MessageId } from '../kernel/index.ts'
import type { Logger } from '../platform/index.ts'
import { isAfter, type Place } from './cursor.ts'
import { endOfUpdates, readUpdates } from './store.ts'
import type { Update } from './update.ts'

/** Somebody who hears what happens to an application's deliveries, or to those of one of its messages. */
export interface Follower {
  readonly application: ApplicationId
  readonly message?: MessageId | undefined
  /** Hears what comes after. Undefined: from now on. */
  readonly after: Place | undefined
  /** Whether it takes any now. While it does not, nothing is read for it, and nothing is lost to it. */
  ready(): boolean
  take(updates: readonly Update[]): void
}

export interface Feed {
  /** From now until the function given back is called. */
  follow(follower: Follower): () => void
  stop(): Promise<void>
}

interface Following {
  readonly follower: Follower
  /** How far it has heard; undefined: it hears whatever the head of the feed brings. */
  at: Place | undefined
}

const pageSize = 250

/**
 * What happens to deliveries, for many followers by one query per tick. Who is new, or was not ready, is read to apart until it is
 * where the others are. `every`: milliseconds between two looks.
 */
export function openFeed({
  knex,
  log,
  every = 500,
}: {
  readonly knex: Knex
  readonly log: Logger
  readonly every?: number
}): Feed {
  const all = new Set<Following>()
  // Where the feed is read to; undefined while nobody follows.
  let head: Place | undefined
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  let stopped = false

  /** Whether there is more to be read at once. */
  const look = async (): Promise<boolean> => {
    head ??= await endOfUpdates(knex)
    const from = head
    for (const following of all) {
      if (following.at === undefined && !following.follower.ready()) following.at = from
    }
    const live = [...all].filter(({ at }) => at === undefined)
    const applications = [...new Set(live.map(({ follower }) => follower.application))]
    const page = await readUpdates(knex, { applications }, from, pageSize)
    head = page.until
    for (const following of live) tell(following.follower, page.updates)
    const behind = [...all].filter(({ at, follower }) => at !== undefined && follower.ready())
    const more = await Promise.all(behind.map(following => catchUp(following, page.until, !page.full)))
    return page.full || more.includes(true)
  }

  /** Whether there is more for it. `isEnd`: nothing is readable after `to`. */
  const catchUp = async (following: Following, to: Place, isEnd: boolean): Promise<boolean> => {
    const { follower, at = to } = following
    if (isAfter(at, to)) {
      // Ahead of everything there is: a cursor of a database that was put back since. It hears what is new.
      if (isEnd) following.at = undefined
      return !isEnd
    }
    const { application, message } = follower
    const scope = message === undefined ? { applications: [application] } : { application, message }
    const page = await readUpdates(knex, scope, at, pageSize, to)
    tell(follower, page.updates)
    following.at = page.full ? page.until : undefined
    return page.full
  }

  const tell = (follower: Follower, updates: readonly Update[]): void => {
    const its = updates.filter(
      ({ application, message }) =>
        application === follower.application &&
        (follower.message === undefined || message === follower.message),
    )
    if (its.length > 0) follower.take(its)
  }

  const run = async (): Promise<void> => {
    let more = false
    try {
      more = await look()
    } catch (error) {
      log.error('updates-unread', error)
    }
    schedule(more ? 5 : every)
  }
  const schedule = (delay: number): void => {
    timer = undefined
    if (stopped) return
    if (all.size === 0) head = undefined
    else
      timer = setTimeout(() => {
        looking = run()
      }, delay)
  }

  return {
    follow(follower) {
      const following: Following = { follower, at: follower.after }
      all.add(following)
      if (all.size === 1 && timer === undefined) void looking.then(() => timer ?? schedule(0))
      return () => {
        all.delete(following)
      }
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
    },
  }
}
