import type { Knex } from 'knex'

/** Of knex, whose types do not tell. */
interface Connections {
  acquireConnection(): Promise<object>
  releaseConnection(connection: object): Promise<void>
}

// Any numbers; no other lock of ours has them.
const locks = { anchors: 5_328_397, stream: 5_328_398 } as const

/**
 * Runs `work` if no other replica does so at this moment; false if one does. The lock belongs to a connection and not to a
 * transaction, so `work` may take its time over the network. When that connection breaks, another replica may begin: what is asked or
 * sent twice has to be harmless.
 */
export async function inTurn(
  knex: Knex,
  what: keyof typeof locks,
  work: () => Promise<void>,
): Promise<boolean> {
  const pool = knex.client as Connections
  const connection = await pool.acquireConnection()
  const ask = async (question: string): Promise<boolean> => {
    const { rows } = await knex
      .raw<{ rows: { held: boolean }[] }>(`SELECT ${question}(?) AS held`, [locks[what]])
      .connection(connection)
    return rows[0]?.held ?? false
  }
  try {
    if (!(await ask('pg_try_advisory_lock'))) return false
    try {
      await work()
    } finally {
      await ask('pg_advisory_unlock')
    }
    return true
  } finally {
    await pool.releaseConnection(connection)
  }
}
