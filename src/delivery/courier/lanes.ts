import type { Clock } from '../../kernel/index.ts'
import { domainOf } from '../../kernel/index.ts'
import { type AttemptResult, type Connection, type HeldDelivery, unsent } from './attempt.ts'
import type { Way } from './connect.ts'
import { openPaces, type Pace } from './pace.ts'
import type { CourierPolicy } from './policy.ts'

export interface LaneDependencies {
  readonly clock: Clock
  readonly policy: CourierPolicy
  /** Rejects only when the database does. */
  readonly findWay: (domain: string) => Promise<Way>
  /** Undefined: not ours any more, nothing was sent. Rejects when nothing is known, and nothing was sent. */
  readonly send: (held: HeldDelivery, connection: Connection) => Promise<AttemptResult | undefined>
  /** Resolves with true while sending is allowed, with false when it will not be any more. */
  readonly ready: () => Promise<boolean>
  readonly onResult: (result: AttemptResult) => void
  /** Taken back too late to be among what `close` gave; nothing was begun. */
  readonly onLeft: (held: HeldDelivery) => void
  /** The delivery is nothing of ours any more; its job, if it lives, goes to another. */
  readonly onDropped: (held: HeldDelivery, error?: unknown) => void
}

/** One queue and a few connections per destination, so that none waits for another. */
export interface Lanes {
  /**
   * Undefined when the delivery was taken; when its destination has as much as it can do, the milliseconds after which it
   * may come again.
   */
  add(held: HeldDelivery): number | undefined
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
  /** What the destination's rule allows. One connection goes ahead to learn that. */
  most: number
  /** What the rule's limits are counted for; undefined until that is known. */
  group: string | undefined
  pace: Pace | undefined
  /** Idle connections that wait for work. */
  readonly idle: Set<() => void>
  /** Set while the next message waits for its turn. */
  turn: NodeJS.Timeout | undefined
}

const initial = 2
/** What may wait per connection. So few that hundreds of dead destinations do not fill the memory of a courier. */
const perConnection = 8
/** Whose promises go further than this, in milliseconds, is not asked for more. */
const farEnough = 60_000

export function openLanes(dependencies: LaneDependencies): Lanes {
  const { clock, policy } = dependencies
  const lanes = new Map<string, Lane>()
  const paces = openPaces(() => performance.now())
  const open = new Set<Connection>()
  /** Connections by what their limit is counted for. */
  const places = new Map<string, number>()
  let workers = 0
  let closed = false
  /** Nothing is sent any more, and what waits is soon taken back. */
  let over = false

  const isFull = ({ waiting, allowed, most, group, pace }: Lane): boolean => {
    const connections = group === undefined ? allowed : Math.min(allowed, most)
    const room = Math.min(connections * perConnection, pace?.worthHolding ?? Infinity)
    return waiting.length >= room || (pace?.promised ?? 0) > farEnough
  }
  const laneOf = (domain: string): Lane => {
    const known = lanes.get(domain)
    if (known !== undefined) return known
    const lane: Lane = {
      domain,
      waiting: [],
      workers: 0,
      allowed: initial,
      most: 1,
      group: undefined,
      pace: undefined,
      idle: new Set(),
      turn: undefined,
    }
    lanes.set(domain, lane)
    return lane
  }

  /** Whether the next message has to wait for its turn; then the lane is looked at again when that has come. */
  const isHeldBack = (lane: Lane): boolean => {
    const wait = lane.pace?.wait ?? 0
    if (wait === 0) return false
    lane.turn ??= setTimeout(() => {
      lane.turn = undefined
      staff(lane)
    }, wait)
    return true
  }
  const take = (lane: Lane): HeldDelivery | undefined => {
    if (lane.waiting.length === 0 || isHeldBack(lane)) return undefined
    lane.pace?.take()
    return lane.waiting.shift()
  }
  /** First again among those that wait; or handed back, when nobody waits any more. */
  const leave = (lane: Lane, held: HeldDelivery): void => {
    if (closed) dependencies.onLeft(held)
    else lane.waiting.unshift(held)
  }

  const mayGoOn = async (lane: Lane, held: HeldDelivery): Promise<boolean> => {
    if (await dependencies.ready()) return true
    over = true
    leave(lane, held)
    return false
  }

  const hasPlace = ({ group, most }: Lane): boolean => group === undefined || (places.get(group) ?? 0) < most
  const isShared = ({ domain, group }: Lane): boolean => group !== undefined && group !== domain
  /** Whether another lane waits for a place that this one has. */
  const isWantedElsewhere = (lane: Lane): boolean =>
    isShared(lane) &&
    !hasPlace(lane) &&
    [...lanes.values()].some(
      other => other !== lane && other.group === lane.group && other.waiting.length > 0,
    )
  /** Ends an idle connection of another lane that has a place which this one lacks. */
  const makePlace = ({ group }: Lane): void => {
    for (const other of lanes.values()) {
      if (other.group !== group || other.waiting.length > 0) continue
      for (const wake of other.idle) {
        wake()
        return
      }
    }
  }

  const staff = (lane: Lane): void => {
    if (over || lane.waiting.length === 0 || isHeldBack(lane)) return
    for (const wake of lane.idle) {
      wake()
      return
    }
    if (!hasPlace(lane)) makePlace(lane)
    const free = (): boolean =>
      lane.workers < Math.min(lane.allowed, lane.most) && workers < policy.connections && hasPlace(lane)
    while (lane.waiting.length > 0 && free() && !isHeldBack(lane)) {
      lane.workers++
      workers++
      void work(lane).finally(() => {
        lane.workers--
        workers--
        if (lane.workers === 0 && lane.waiting.length === 0) lanes.delete(lane.domain)
        // A place is free: for this lane first, else for one that could not have it; where lanes share places, in turn.
        const others = [...lanes.values()].filter(other => other !== lane)
        const inTurn = isShared(lane) ? [...others, lane] : [lane, ...others]
        for (const next of inTurn) if (next.waiting.length > 0 && !closed) staff(next)
      })
    }
  }

  const next = (lane: Lane): Promise<HeldDelivery | undefined> => {
    const waiting = closed ? undefined : take(lane)
    if (waiting !== undefined || closed || isWantedElsewhere(lane)) return Promise.resolve(waiting)
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        lane.idle.delete(wake)
        resolve(closed ? undefined : take(lane))
      }
      const timer = setTimeout(wake, policy.idle)
      lane.idle.add(wake)
    })
  }

  const work = async (lane: Lane): Promise<void> => {
    const first = take(lane)
    if (first === undefined) return
    if (!(await mayGoOn(lane, first))) return
    const way = await enter(lane, first)
    if (way === undefined) return
    try {
      const connection = await connect(lane, way, first)
      if (connection !== undefined) await sendOver(lane, connection, first)
    } finally {
      const left = (places.get(way.group) ?? 1) - 1
      if (left > 0) places.set(way.group, left)
      else places.delete(way.group)
    }
  }

  const sendOver = async (lane: Lane, connection: Connection, first: HeldDelivery): Promise<void> => {
    open.add(connection)
    const born = performance.now()
    let sent = 0
    for (let held: HeldDelivery | undefined = first; held !== undefined; held = await next(lane)) {
      if (sent > 0 && !connection.session.usable) {
        lane.pace?.giveBack()
        leave(lane, held)
        break
      }
      if (!(await mayGoOn(lane, held))) break
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

  /** Learns the way and takes a place on it; undefined when its limits leave none, or it could not be learnt. */
  const enter = async (lane: Lane, first: HeldDelivery): Promise<Way | undefined> => {
    try {
      const way = await dependencies.findWay(lane.domain)
      const isNew = lane.group === undefined
      lane.group = way.group
      lane.most = Math.min(way.connections ?? Infinity, policy.connectionsPerDestination)
      const pace = paces.of(way.group, way.messagesPerMinute)
      // What was taken at another pace, or at none, still has to wait for its turn at this one.
      const isUncounted = pace !== undefined && pace !== lane.pace
      lane.pace = pace
      if (hasPlace(lane) && !(isUncounted && pace.wait > 0)) {
        places.set(way.group, (places.get(way.group) ?? 0) + 1)
        if (isUncounted) pace.take()
        if (isNew) staff(lane)
        return way
      }
      if (pace !== undefined && !isUncounted) pace.giveBack()
      leave(lane, first)
    } catch (error) {
      dependencies.onDropped(first, error)
    }
    return undefined
  }

  /** A connection for the lane; or a result for `first`, which waited for it. */
  const connect = async (lane: Lane, way: Way, first: HeldDelivery): Promise<Connection | undefined> => {
    const startedAt = clock.now()
    try {
      const opening = await way.open()
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
      const { pace, waiting } = lane
      if (pace !== undefined && waiting.length >= pace.worthHolding) return pace.promise(waiting.length)
      // A destination that was reached takes a whole batch over the mark; handing back would cost more.
      if (lane.allowed <= initial && isFull(lane)) return 0
      waiting.push(held)
      staff(lane)
      return undefined
    },
    full: () => [...lanes.values()].filter(isFull).map(({ domain }) => domain),
    close() {
      closed = true
      const waiting = [...lanes.values()].flatMap(lane => lane.waiting.splice(0))
      for (const { idle, turn } of lanes.values()) {
        clearTimeout(turn)
        for (const wake of [...idle]) wake()
      }
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
