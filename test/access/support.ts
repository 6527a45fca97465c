import type { Knex } from 'knex'
import {
  type ApplyChange,
  type ApplyChanges,
  askForChange,
  type Change,
  type ChangeRequest,
  type Operator,
} from '../../src/access/index.ts'
import { type Clock, newId, systemClock } from '../../src/kernel/index.ts'
import { type Database, openDatabase } from '../../src/platform/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { eventually } from '../support/locks.ts'

export interface Rooms {
  readonly database: TestDatabase
  /** As the command line of the host. */
  readonly owner: Knex
  readonly gateway: Knex
  /** The events of this type, oldest first. */
  events(type: string): Promise<readonly Record<string, unknown>[]>
  /** Resolves once that many sessions of this database wait for a lock of another. */
  blocked(sessions: number): Promise<void>
  close(): Promise<void>
}

export async function openRooms(): Promise<Rooms> {
  const database = await testDatabase()
  const pool = (config: TestDatabase['owner']): Database =>
    openDatabase(config, { applicationName: 'test', statementTimeout: 30_000, poolSize: 6 })
  const [owner, gateway, superuser] = [pool(database.owner), pool(database.gateway), pool(database.superuser)]
  return {
    database,
    owner: owner.knex,
    gateway: gateway.knex,
    async events(type) {
      const bodies = await owner.knex('audit_events').where({ type }).orderBy('seq').pluck<string[]>('body')
      return bodies.map(body => JSON.parse(body) as Record<string, unknown>)
    },
    blocked: sessions =>
      eventually(`${sessions} sessions wait for a lock`, async () => {
        const { rows } = await superuser.knex.raw<{ rows: unknown[] }>(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`,
        )
        return rows.length >= sessions
      }),
    async close() {
      await Promise.all([owner.close(), gateway.close(), superuser.close()])
      await database.drop()
    },
  }
}

/** A clock that stands until it is moved. */
export function standingClock(): Clock & { pass(minutes: number): void } {
  let time = Date.parse('2026-03-02T09:00:00Z')
  return {
    now: () => new Date(time),
    pass(minutes) {
      time += minutes * 60_000
    },
  }
}

/** A change that fits by form, about a subject of its own. */
export function someChange(): Change {
  return { kind: 'recipient.reinstate', subject: newId('rcp', systemClock), body: {} }
}

export function ask(
  knex: Knex,
  operator: Operator,
  change: Change = someChange(),
  clock: Clock = systemClock,
): Promise<ChangeRequest> {
  return knex.transaction(trx => askForChange(trx, clock, operator, change))
}

/** Does the same for every kind. */
export function applyAll(apply: ApplyChange): ApplyChanges {
  return {
    'recipient.activate': apply,
    'recipient.reinstate': apply,
    'recipient.attest': apply,
    'policy.adopt': apply,
    'destination.set': apply,
  }
}

/** The code of an error, or how the promise was fulfilled. */
export async function outcome(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}
