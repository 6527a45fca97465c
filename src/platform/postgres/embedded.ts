import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { DatabaseConfig } from '../../config/index.ts'
import { SealpostError } from '../../kernel/index.ts'
import { type Cluster, prepareCluster } from './cluster.ts'
import { connectionSettings } from './connection.ts'

export type DatabaseRole = 'owner' | 'gateway' | 'auditor'

/** A real PostgreSQL, on a unix socket that only the starting user can open. For demonstrations and tests. */
export interface EmbeddedPostgres {
  /** Holds `data/` and `postgres.log`. */
  readonly directory: string
  readonly socketDirectory: string
  /** Of the running postmaster. */
  readonly pid: number
  /** How `role` reaches a database of this server; without a name, `sealpost`. */
  config(role: DatabaseRole | 'superuser', database?: string): DatabaseConfig
  /** Fast shutdown: open transactions are rolled back. A temporary directory goes with it. */
  stop(): Promise<void>
  /** SIGKILL to the postmaster, as a fault. Resolves when all its processes are gone. */
  kill(): Promise<void>
  /** Starts again on the same files after {@link kill}; PostgreSQL recovers from its log. */
  start(): Promise<void>
}

/**
 * Starts PostgreSQL on `directory`, or on a temporary one, with a database `sealpost` and the three roles of
 * `deploy/postgres/roles.sql`; no schema yet. Commits are durable (fsync). The server shuts down when this process
 * ends in any way, also by SIGKILL; a temporary directory then stays behind. Throws `config_invalid` when the binaries
 * or the directory cannot be used, `database_unavailable` when the server does not come up within 30 s.
 */
export async function startEmbeddedPostgres(
  options: { readonly directory?: string } = {},
): Promise<EmbeddedPostgres> {
  const cluster = prepareCluster(options.directory)
  const config = (role: DatabaseRole | 'superuser', database = 'sealpost'): DatabaseConfig => ({
    kind: 'socket',
    directory: cluster.socketDirectory,
    database,
    user: role === 'superuser' ? 'postgres' : `sealpost_${role}`,
  })
  let server = await launch(cluster, config('superuser', 'postgres'))
  try {
    await createDatabase(config('superuser', 'postgres'), config('superuser'))
  } catch (error) {
    await stop(server, cluster)
    throw error
  }

  return {
    directory: cluster.directory,
    socketDirectory: cluster.socketDirectory,
    get pid() {
      return pidOf(server)
    },
    config,
    stop: () => stop(server, cluster),
    async kill() {
      // Halted first, so that it forks no child that is not on the list.
      server.kill('SIGSTOP')
      await sleep(10)
      const processes = [pidOf(server), ...childrenOf(pidOf(server))]
      server.kill('SIGKILL')
      while (processes.some(isRunning)) await sleep(10)
    },
    async start() {
      server = await launch(cluster, config('superuser', 'postgres'))
    },
  }
}

/**
 * The shell turns core dumps off; setpriv (util-linux) asks the kernel for SIGINT, PostgreSQL's fast shutdown, when
 * our process dies; both become postgres by exec.
 */
const launcher = 'ulimit -c 0; exec setpriv --pdeathsig INT -- "$0" "$@"'

async function launch(cluster: Cluster, probe: DatabaseConfig): Promise<ChildProcess> {
  const log = openSync(cluster.log, 'a', 0o600)
  const server = spawn(
    '/bin/sh',
    [
      '-c',
      launcher,
      join(cluster.binaries, 'bin', 'postgres'),
      '-D',
      cluster.data,
      '-k',
      cluster.socketDirectory,
    ],
    // A session of its own: Ctrl-C in the terminal is for us, and we then stop the server in order.
    { ...cluster.user, cwd: cluster.data, env: {}, stdio: ['ignore', log, log], detached: true },
  )
  closeSync(log)
  const failed = new Promise<never>((_, reject) => {
    server.once('error', () => reject(notUp('it could not be spawned')))
    server.once('exit', () => reject(notUp(lastLines(cluster.log))))
  })
  try {
    await Promise.race([answers(probe), failed])
  } catch (error) {
    server.kill('SIGKILL')
    throw error
  }
  failed.catch(() => undefined)
  return server
}

async function answers(probe: DatabaseConfig): Promise<void> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      await withClient(probe, client => client.query('SELECT 1'))
      return
    } catch (cause) {
      if (performance.now() > end)
        throw new SealpostError('database_unavailable', { detail: 'no answer in 30 s', cause })
      await sleep(20)
    }
  }
}

async function createDatabase(admin: DatabaseConfig, own: DatabaseConfig): Promise<void> {
  await withClient(admin, async client => {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = 'sealpost'")
    if (rowCount === 0) await client.query('CREATE DATABASE sealpost')
  })
  // A crash here leaves a database without roles; the next start runs the same idempotent file again.
  const roles = readFileSync(new URL('../../../deploy/postgres/roles.sql', import.meta.url), 'utf8')
  await withClient(own, client => client.query(roles))
}

async function withClient(
  config: DatabaseConfig,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client(
    connectionSettings(config, { applicationName: 'sealpost-embedded', statementTimeout: 0 }),
  )
  client.on('error', () => undefined)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

async function stop(server: ChildProcess, cluster: Cluster): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const exited = new Promise(resolve => server.once('exit', resolve))
    server.kill('SIGINT')
    const patience = setTimeout(() => server.kill('SIGKILL'), 30_000)
    await exited
    clearTimeout(patience)
  }
  for (const directory of cluster.temporary) rmSync(directory, { recursive: true, force: true })
}

function pidOf(server: ChildProcess): number {
  if (server.pid === undefined) throw new Error('the server was not spawned')
  return server.pid
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return list
    .split(' ')
    .filter(text => text.trim() !== '')
    .map(Number)
}

/** A zombie has let go of its files and memory; who reaps it is not our business. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-3).join(' | ')
}

function notUp(detail: string): SealpostError {
  return new SealpostError('database_unavailable', { detail: `the embedded PostgreSQL ended: ${detail}` })
}
