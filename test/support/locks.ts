import type { Knex } from 'knex'
import pg from 'pg'
import type { DatabaseConfig } from '../../src/config/index.ts'

/** Where a statement waits for the test; nothing beyond it happens until `open`. */
export interface Gate {
  /** Resolves once that many transactions wait at the gate. */
  reached(transactions?: number): Promise<void>
  /** Lets everything through, from now on. */
  open(): Promise<void>
}

/**
 * Stops every transaction that inserts into `table` at that INSERT, or, with `at: 'commit'`, in its COMMIT, when all
 * else of it is done; with `at: { updated }`, once it has updated a row so that this condition on NEW holds. The lock is in the database alone: nothing in the program knows of it.
 */
export async function closeGate(
  owner: Knex,
  config: DatabaseConfig,
  table: string,
  at: 'insert' | 'commit' | { readonly updated: string } = 'insert',
): Promise<Gate> {
  const name = `gate_${table.replace('.', '_')}`
  const holder = await connect(config)
  const { rows } = await holder.query<{ key: string }>(`SELECT hashtext($1)::bigint AS key`, [name])
  const key = rows[0]?.key ?? ''
  await holder.query('SELECT pg_advisory_lock($1)', [key])
  await owner.raw(`
    CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$
      BEGIN PERFORM pg_advisory_xact_lock_shared(${key}); RETURN NEW; END $$`)
  await owner.raw(
    typeof at === 'object'
      ? `CREATE TRIGGER ${name} AFTER UPDATE ON ${table} FOR EACH ROW WHEN (${at.updated}) EXECUTE FUNCTION ${name}()`
      : at === 'insert'
        ? `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`
        : `CREATE CONSTRAINT TRIGGER ${name} AFTER INSERT ON ${table} DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  )
  return {
    reached: (transactions = 1) =>
      eventually(`${transactions} transactions at ${name}`, async () => {
        const { rows: waiting } = await holder.query(
          `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        )
        return waiting.length >= transactions
      }),
    async open() {
      await holder.query('SELECT pg_advisory_unlock($1)', [key])
      await holder.end()
      await owner.raw(`DROP TRIGGER ${name} ON ${table}`)
      await owner.raw(`DROP FUNCTION ${name}`)
    },
  }
}

/** A lock on the whole table, for a test to hold: not even reading passes it. */
export async function lockTable(config: DatabaseConfig, table: string): Promise<{ open(): Promise<void> }> {
  const holder = await connect(config)
  await holder.query('BEGIN')
  await holder.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
  return { open: () => holder.end() }
}

/** Waits until a condition holds; fails by its name after some seconds. */
export async function eventually(
  name: string,
  condition: () => boolean | Promise<boolean>,
  seconds = 20,
): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} s: ${name}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function connect(config: DatabaseConfig): Promise<pg.Client> {
  if (config.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  const client = new pg.Client({ host: config.directory, user: config.user, database: config.database })
  // When a test fails, its database goes first.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
