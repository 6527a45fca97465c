import type { Knex } from 'knex'
import type { Clock } from '../kernel/index.ts'
import { appendEvents } from './append.ts'
import { bodiesOfType } from './store.ts'

/**
 * Records which of the `applied` migrations no event tells of yet: each is told once, also when the process that ran it was
 * killed before it could.
 */
export async function recordMigrations(
  trx: Knex.Transaction,
  clock: Clock,
  applied: readonly string[],
): Promise<void> {
  const bodies = await bodiesOfType(trx, 'schema.migrated')
  const told = new Set(
    bodies.flatMap(body => (JSON.parse(body) as { readonly migrations: readonly string[] }).migrations),
  )
  const migrations = applied.filter(name => !told.has(name))
  if (migrations.length === 0) return
  await appendEvents(trx, clock, [
    { actor: { kind: 'host' }, event: { type: 'schema.migrated', migrations } },
  ])
}
