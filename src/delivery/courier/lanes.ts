import type { Clock } from '../../kernel/index.ts'
import { domainOf } from '../../kernel/index.ts'
import type { Opening } from '../smtp/open-session.ts'
import { type AttemptResult, type Connection, type HeldDelivery, unsent } from './attempt.ts'
import type { CourierPolicy } from './policy.ts'

export interface LaneDependencies {
  readonly clock: Clock
  readonly policy: CourierPolicy
  /** Rejects only when the database does. */
  readonly open: (domain: string) => Promise<Opening>
  /** Undefined: not ours any more, nothing was sent. Rejects when nothing is known, and nothing was sent. */
  readonly send: (held: HeldDelivery, connection: Connection) => Promise<AttemptResult | undefined>
  /** Resolves while sending is allowed. */
  readonly ready: () => Promise<void>
  readonly onResult: (result: AttemptResult) => void
  /** The delivery is nothing of ours any more; its job, if it lives, goes to another. */
  readonly onDropped: (held: HeldDelivery, error?: unknown) => void
}

/** One queue and a few connections per destination, so that none waits for another. */
export interface Lanes {
  /** Whether the delivery was taken; not when its destination has as much as it can do. */
  add(held: HeldDelivery): boolean
  /** Domains that have as much as they can do. */
  full(): readonly string[]
  /** Takes back what waits. Connections finish the message that they are at, and end. */
  close(): readonly HeldDelivery[]
  /** How many connections are at work or open. */
  readonly busy: number
  /** Cuts every connection. */
  abort(): void
}

interface Lane {
  readonly domain: string
  waiting: HeldDelivery[]
  /** Connections, open or being opened. */
  workers: number
  /** How many there may be. Doubles with each connection that opens, halves with each that does not: a dead
   * destination holds few, a live one soon has all it may. */
  allowed: number
  /** Idle connections that wait for work. */
  readonly idle: Set<() => void>
}

const initial = 2
/** What may wait per connection. So few that hundreds of dead destinations do not fill the memory of a courier. */
const perConnection = 8

export function openLanes(dependencies: LaneDependencies): Lanes {
  const { clock, policy } = dependencies
  const lanes = new Map<string, Lane>()
  const open = new Set<Connection>()
  let workers = 0
  let closed = false

  const isFull = ({ waiting, allowed }: Lane): boolean => waiting.length >= allowed * perConnection
  const laneOf = (domain: string): Lane => {
    const known = lanes.get(domain)
    if (known !== undefined) return known
    const lane: Lane = { domain, waiting: [], workers: 0, allowed: initial, idle: new Set() }
    lanes.set(domain, lane)
    return lane
  }

  const staff = (lane: Lane): void => {
    for (const wake of lane.idle) {
      if (lane.waiting.length === 0) return
      wake()
      return
    }
    const free = (): boolean => lane.workers < lane.allowed && workers < policy.connections
    while (lane.waiting.length > 0 && free()) {
      lane.workers++
      workers++
      void work(lane).finally(() => {
        lane.workers--
        workers--
        if (lane.workers === 0 && lane.waiting.length === 0) lanes.delete(lane.domain)
        // A place is free: for this lane first, else for one that could not have it.
        for (const next of [lane, ...lanes.values()]) if (next.waiting.length > 0 && !closed) staff(next)
      })
    }
  }

  const next = (lane: Lane): Promise<HeldDelivery | undefined> => {
    const waiting = lane.waiting.shift()
    if (waiting !== undefined || closed) return Promise.resolve(waiting)
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        lane.idle.delete(wake)
        resolve(lane.waiting.shift())
      }
      const timer = setTimeout(wake, policy.idle)
      lane.idle.add(wake)
    })
  }

  const work = async (lane: Lane): Promise<void> => {
    const first = lane.waiting.shift()
    if (first === undefined) return
    await dependencies.ready()
    const connection = await connect(lane, first)
    if (connection === undefined) return
    open.add(connection)
    const born = performance.now()
    let sent = 0
    for (let held: HeldDelivery | undefined = first; held !== undefined; held = await next(lane)) {
      if (sent > 0 && !connection.session.usable) {
        lane.waiting.unshift(held)
        break
      }
      await dependencies.ready()
      try {
        const result = await dependencies.send(held, connection)
        if (result === undefined) dependencies.onDropped(held)
        else dependencies.onResult(result)
      } catch (error) {
        dependencies.onDropped(held, error)
      }
      sent++
      const old = performance.now() - born > policy.connectionAge || sent >= policy.messagesPerConnection
      if (old || closed || !connection.session.usable) break
    }
    open.delete(connection)
    connection.session.close()
  }

  /** A connection for the lane; or a result for `first`, which waited for it. */
  const connect = async (lane: Lane, first: HeldDelivery): Promise<Connection | undefined> => {
    const startedAt = clock.now()
    try {
      const opening = await dependencies.open(lane.domain)
      if (opening.ok) {
        lane.allowed = Math.min(lane.allowed * 2, policy.connectionsPerDestination)
        staff(lane)
        return opening
      }
      lane.allowed = Math.max(1, Math.floor(lane.allowed / 2))
      dependencies.onResult(unsent(first, startedAt, clock.now(), opening.outcome, opening))
    } catch (error) {
      dependencies.onDropped(first, error)
    }
    return undefined
  }

  return {
    add(held) {
      const lane = laneOf(domainOf(held.delivery.address))
      // A destination that was reached takes a whole batch over the mark; handing back would cost more.
      if (lane.allowed <= initial && isFull(lane)) return false
      lane.waiting.push(held)
      staff(lane)
      return true
    },
    full: () => [...lanes.values()].filter(isFull).map(({ domain }) => domain),
    close() {
      closed = true
      const waiting = [...lanes.values()].flatMap(lane => lane.waiting.splice(0))
      for (const { idle } of lanes.values()) for (const wake of [...idle]) wake()
      return waiting
    },
    get busy() {
      return workers
    },
    abort() {
      for (const { session } of open) session.abort()
    },
  }
}
