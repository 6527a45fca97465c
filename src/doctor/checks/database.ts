import type { Knex } from 'knex'
import { clockTolerance } from '../../audit/index.ts'
import type { DatabaseConfig } from '../../config/index.ts'
import { askServer } from '../../connections/index.ts'
import type { Clock } from '../../kernel/index.ts'
import { assertSchemaCurrent, tunnelInForce } from '../../platform/index.ts'
import { type Check, fail, ok, type Verdict, warn } from '../check.ts'

/** PostgreSQL as the gateway reaches it. */
export function databaseChecks(knex: Knex, config: DatabaseConfig, clock: Clock): readonly Check[] {
  return [
    { name: 'database', run: async () => judgeConnection(await askServer(knex), config) },
    { name: 'database-exception', run: () => judgeException(config, clock.now()) },
    { name: 'durability', run: async () => judgeDurability(await askServer(knex)) },
    {
      name: 'schema',
      async run() {
        await assertSchemaCurrent(knex)
        return ok('the one of this version')
      },
    },
    {
      name: 'clock',
      async run() {
        // The first question may have to connect; the second measures.
        await askServer(knex)
        const asked = clock.now().getTime()
        const { now } = await askServer(knex)
        return judgeSkew(now.getTime() - (asked + clock.now().getTime()) / 2)
      },
    },
  ]
}

type Facts = Awaited<ReturnType<typeof askServer>>

function judgeConnection({ role, superuser, version, tls, cipher }: Facts, config: DatabaseConfig): Verdict {
  if (superuser || role !== 'sealpost_gateway') {
    return fail(
      `the gateway works as ${superuser ? 'a superuser' : role}`,
      'Make the roles of deploy/postgres/roles.sql and let the gateway be sealpost_gateway.',
    )
  }
  if (config.kind === 'socket') return ok(`PostgreSQL ${version} by a unix socket, as ${role}`)
  // Cannot be: the connection refuses it. Said all the same by what the server saw.
  if (tls === null) return fail('PostgreSQL sees no TLS', 'Report this.')
  return ok(`PostgreSQL ${version} by ${tls}, ${cipher ?? 'unknown suite'}, as ${role}`)
}

function judgeException(config: DatabaseConfig, now: Date): Verdict {
  const tunnel = tunnelInForce(config, now)
  if (tunnel === undefined) return ok('none')
  const until = tunnel.until.toISOString().slice(0, 10)
  return warn(
    `PostgreSQL may speak TLS 1.2 until ${until}: ${tunnel.reason}`,
    `Bring PostgreSQL to TLS 1.3 and remove SEALPOST_DATABASE_TUNNEL_UNTIL. On ${until} the gateway stops starting.`,
  )
}

function judgeDurability({ fsync, fullPageWrites, synchronousCommit }: Facts): Verdict {
  const off = [
    ...(fsync === 'on' ? [] : ['fsync']),
    ...(fullPageWrites === 'on' ? [] : ['full_page_writes']),
    ...(synchronousCommit === 'on' || synchronousCommit === 'remote_apply' ? [] : ['synchronous_commit']),
  ]
  return off.length === 0
    ? ok('what is committed survives a power cut')
    : fail(`PostgreSQL runs with ${off.join(', ')} off`, 'Turn them on: 202 means durable.')
}

/** @param skew milliseconds that PostgreSQL's clock is ahead of ours */
export function judgeSkew(skew: number): Verdict {
  const found = `PostgreSQL's clock and ours are ${Math.round(Math.abs(skew))} ms apart`
  const remedy = 'Set both hosts by chrony or NTP: certificates, codes and the audit log depend on the time.'
  if (Math.abs(skew) > clockTolerance) return fail(found, remedy)
  return Math.abs(skew) > 1_000 ? warn(found, remedy) : ok(found)
}
