import type { Knex } from 'knex'
import { type Actor, type AuditEntry, type AuditEvent, appendEvents, type Origin } from '../../audit/index.ts'
import type { Clock } from '../../kernel/index.ts'
import type { Logger } from '../../platform/index.ts'
import { networkOf } from './network.ts'

export interface Refusal {
  readonly actor: Actor
  readonly from: Origin & { readonly address: string }
  /** Two of the same type, code or reason are of one kind. */
  readonly event: Extract<AuditEvent, { type: 'client.refused' | 'connection.refused' | 'request.refused' }>
}

/** What anybody can cause without end, in bounded memory and a bounded number of events. */
export interface Refusals {
  /**
   * The first of its kind, listener, actor and network is recorded at once: this resolves when it is, and rejects when it
   * cannot be. What follows is counted, and this resolves. Nothing is left uncounted, also when it rejects.
   */
  note(refusal: Refusal): Promise<void>
  /** Records what is counted and not yet recorded. */
  flush(): Promise<void>
  /** Flushes for the last time. A replica that is killed loses the counts of at most a minute. */
  close(): Promise<void>
}

interface RefusalsDependencies {
  readonly knex: Knex
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds from one flush to the next. */
  readonly every?: number
}

interface Counter {
  readonly first: Refusal
  count: number
  since: string
  /** The one address that all of it came from; undefined when there were several. */
  address: string | undefined
}

/** Beyond so many at a time, networks and actors are not told apart any more. */
const mostKeys = 256

export function openRefusals({ knex, clock, log, every = 60_000 }: RefusalsDependencies): Refusals {
  const counters = new Map<string, Counter>()
  const recording = new Set<Promise<void>>()

  const append = (entries: readonly AuditEntry[]): Promise<void> =>
    knex.transaction(trx => appendEvents(trx, clock, entries))

  const add = (counter: Counter, refusal: Refusal): void => {
    if (counter.count === 0) {
      counter.since = clock.now().toISOString()
      counter.address = refusal.from.address
    }
    counter.count++
    if (counter.address !== refusal.from.address) counter.address = undefined
  }

  const record = async (counter: Counter, refusal: Refusal): Promise<void> => {
    try {
      await append([refusal])
    } catch (error) {
      add(counter, refusal)
      throw error
    }
  }

  const flush = async (): Promise<void> => {
    const due: (Counter & { readonly counter: Counter })[] = []
    for (const [key, counter] of counters) {
      if (counter.count === 0) counters.delete(key)
      else due.push({ ...counter, counter })
      counter.count = 0
    }
    if (due.length === 0) return
    try {
      await append(due.map(entryOf))
    } catch (error) {
      for (const { counter, count, since, address } of due) {
        if (counter.count > 0 && counter.address !== address) counter.address = undefined
        else counter.address = address
        counter.since = since
        counter.count += count
      }
      throw error
    }
  }

  const failed = (error: unknown): void => log.error('audit-failed', error)
  const timer = setInterval(() => void flush().catch(failed), every).unref()
  return {
    note(refusal) {
      const key = keyOf(refusal, networkOf(refusal.from.address))
      const known = counters.has(key) || counters.size < mostKeys ? key : keyOf(refusal, undefined)
      const counter = counters.get(known)
      if (counter !== undefined) {
        add(counter, refusal)
        return Promise.resolve()
      }
      const fresh = { first: refusal, count: 0, since: '', address: undefined }
      counters.set(known, fresh)
      const recorded = record(fresh, refusal).finally(() => recording.delete(recorded))
      recording.add(recorded)
      return recorded
    },
    flush,
    async close() {
      clearInterval(timer)
      await Promise.allSettled(recording)
      await flush().catch(failed)
    },
  }
}

/** Without a network: of whoever there was no room for. */
function keyOf({ actor, from, event }: Refusal, network: string | undefined): string {
  const kind = event.type === 'request.refused' ? event.code : event.reason
  if (network === undefined) return [from.listener, event.type, kind].join(' ')
  return [from.listener, event.type, kind, 'id' in actor ? actor.id : '', network].join(' ')
}

function entryOf({ first, count, since, address }: Counter): AuditEntry {
  const { actor, from, event } = first
  const where = address ?? networkOf(from.address)
  return {
    actor: actor.kind === 'peer' ? { kind: 'peer', address: where } : actor,
    from: { ...from, address: where },
    event: { ...event, count, since },
  }
}
