import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { pkiCommand } from '../../src/cli/commands/pki.ts'
import { loadOwnerDatabase } from '../../src/config/index.ts'
import { migrate } from '../../src/platform/index.ts'
import { embeddedBinaries, runnableBinaries } from '../../src/platform/postgres/binaries.ts'
import { root, serviceNamed } from './compose-file.ts'

// PostgreSQL as docker-compose.yml starts it, without the container: its command line, its files, our certificates.

const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
const directory = mkdtempSync(join(tmpdir(), 'sealpost-deploy-'))
const data = join(directory, 'data')
const secrets = join(directory, 'secrets')
const secret = (name: string): string => readFileSync(join(secrets, name), 'utf8')
/** A path inside the container, and what stands there. */
const here = (path: string): string =>
  path
    .replace('/run/secrets/', `${secrets}/`)
    .replace('/etc/postgresql/pg_hba.conf', join(directory, 'pg_hba.conf'))

let server: ChildProcess | undefined
let port = 0
let log = ''

beforeAll(async () => {
  chmodSync(directory, 0o755)
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await pkiCommand().parseAsync(['init', secrets, '--postgres', 'localhost'], { from: 'user' })
  vi.restoreAllMocks()
  give(secrets)
  mkdirSync(data, { mode: 0o700 })
  give(data)
  copyFileSync(`${root}deploy/postgres/pg_hba.conf`, join(directory, 'pg_hba.conf'))

  const native = runnableBinaries(embeddedBinaries(), user, join(directory, 'native'))
  // As the image's entry point does it.
  const made = spawnSync(
    join(native, 'bin/initdb'),
    ['-D', data, '--username=postgres', `--pwfile=${join(secrets, 'database-superuser-password')}`],
    { ...user, cwd: '/', env: {}, encoding: 'utf8' },
  )
  expect(made.status, made.stderr).toBe(0)
  port = await freePort()
  const [program = '', ...options] = serviceNamed('postgres').command.map(here)
  server = spawn(
    join(native, 'bin', program),
    [
      ...options,
      '-D',
      data,
      `--port=${port}`,
      '--listen_addresses=127.0.0.1',
      `--unix_socket_directories=${data}`,
    ],
    { ...user, cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  server.stderr?.on('data', (text: Buffer) => (log += text.toString()))
  await vi.waitFor(() => expect(log).toContain('ready to accept connections'), { timeout: 20_000 })

  // The image makes POSTGRES_DB, then runs the scripts in order, all by the socket.
  await run('CREATE DATABASE sealpost', { ...superuser(), database: 'postgres' })
  for (const script of scripts()) await run(psql(readFileSync(root + script, 'utf8')), superuser())
})

afterAll(async () => {
  if (server !== undefined) {
    const ended = once(server, 'exit')
    server.kill('SIGINT')
    await ended
  }
  rmSync(directory, { recursive: true })
})

test('the owner migrates over verified TLS, with the settings that compose gives `migrate`', async () => {
  const { environment } = serviceNamed('migrate')
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, here(value)]))
  const config = loadOwnerDatabase({
    ...env,
    SEALPOST_DATABASE_HOST: 'localhost',
    SEALPOST_DATABASE_PORT: String(port),
  })
  expect(await migrate(config)).toContain('0001-house')
})

test.each(['owner', 'gateway', 'auditor'])('%s enters with its password, over TLS 1.3', async role => {
  expect(await run('SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()', byTcp(role))).toEqual([
    { version: 'TLSv1.3' },
  ])
})

test.each<[string, () => ClientConfig]>([
  ['without TLS', () => ({ ...byTcp('gateway'), ssl: false })],
  [
    'with TLS 1.2',
    () => ({ ...byTcp('gateway'), ssl: { ca: secret('servers-ca.pem'), maxVersion: 'TLSv1.2' } }),
  ],
  [
    "with another role's password",
    () => ({ ...byTcp('gateway'), password: secret('database-owner-password').trim() }),
  ],
  [
    'as superuser, from the network',
    () => ({ ...superuser(), host: 'localhost', ssl: { ca: secret('servers-ca.pem') } }),
  ],
  ['to another database', () => ({ ...byTcp('owner'), database: 'postgres' })],
  ['as superuser on the socket, without password', () => ({ ...superuser(), password: 'none' })],
])('nobody enters %s', async (_, config) => {
  await expect(run('SELECT 1', config())).rejects.toThrow()
})

test('passwords are stored as SCRAM verifiers and were not logged', async () => {
  const rows = await run(
    "SELECT rolname FROM pg_authid WHERE rolname LIKE 'sealpost%' AND rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY 1",
    superuser(),
  )
  expect(rows).toEqual(['auditor', 'gateway', 'owner'].map(role => ({ rolname: `sealpost_${role}` })))
  for (const role of ['superuser', 'owner', 'gateway', 'auditor']) {
    expect(log).not.toContain(secret(`database-${role}-password`).trim())
  }
})

function superuser(): ClientConfig {
  return {
    host: data,
    port,
    user: 'postgres',
    password: secret('database-superuser-password').trim(),
    database: 'sealpost',
  }
}

function byTcp(role: string): ClientConfig {
  return {
    host: 'localhost',
    port,
    user: `sealpost_${role}`,
    password: secret(`database-${role}-password`).trim(),
    database: 'sealpost',
    ssl: { ca: secret('servers-ca.pem') },
  }
}

/** The init scripts that compose mounts, in the order in which the image runs them. */
function scripts(): string[] {
  return serviceNamed('postgres')
    .volumes.map(volume => volume.split(':'))
    .filter(([, target = '']) => target.startsWith('/docker-entrypoint-initdb.d/'))
    .toSorted(([, a = ''], [, b = '']) => a.localeCompare(b))
    .map(([source = '']) => source)
}

/** What psql makes of `\set NAME `cat FILE`` and of :'NAME'; it drops the file's last line feed. */
function psql(script: string): string {
  const variables = new Map<string, string>()
  const rest = script.replace(/^\\set (\w+) `cat (\S+)`$/gm, (_, name: string, path: string) => {
    variables.set(name, readFileSync(here(path), 'utf8').replace(/\n$/, ''))
    return ''
  })
  return rest.replace(/:'(\w+)'/g, (_, name: string) => `'${variables.get(name) ?? ''}'`)
}

async function run(statement: string, config: ClientConfig): Promise<unknown[]> {
  const client = new Client(config)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

function give(path: string): void {
  if (user === undefined) return
  chownSync(path, user.uid, user.gid)
  for (const name of readdirSync(path)) chownSync(join(path, name), user.uid, user.gid)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port: free } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return free
}
