import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openDatabase, startEmbeddedPostgres } from '../../src/platform/index.ts'
import { embeddedBinaries, runnableBinaries } from '../../src/platform/postgres/binaries.ts'

const session = { applicationName: 'test', statementTimeout: 5_000, poolSize: 1 }

test('a committed row survives the death of the postmaster', { timeout: 60_000 }, async () => {
  const server = await startEmbeddedPostgres()
  try {
    const before = openDatabase(server.config('owner'), session)
    await before.knex.raw('CREATE TABLE kept (n int)')
    await before.knex.raw('INSERT INTO kept VALUES (7)')
    await server.kill()
    await expect(before.knex.raw('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' })
    await before.close()

    await server.start()
    const after = openDatabase(server.config('owner'), session)
    expect(await after.knex('kept').pluck('n')).toEqual([7])
    await after.close()
  } finally {
    await server.stop()
  }
  expect(existsSync(server.directory)).toBe(false)
})

test('only its own user reaches the socket, and nothing listens on the network', async () => {
  const server = await startEmbeddedPostgres()
  try {
    expect(statSync(server.socketDirectory).mode & 0o777).toBe(0o700)
    const database = openDatabase(server.config('gateway'), session)
    const shown = await database.knex.raw<{ rows: unknown[] }>('SHOW listen_addresses')
    expect(shown.rows).toEqual([{ listen_addresses: '' }])
    await database.close()
  } finally {
    await server.stop()
  }
})

test('a starter that is killed leaves no server behind, and its files serve the next one', {
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-test-'))
  const script = `
    const { startEmbeddedPostgres } = await import('${join(import.meta.dirname, '../../src/platform/index.ts')}')
    const server = await startEmbeddedPostgres({ directory: '${directory}' })
    process.stdout.write(String(server.pid))
    setInterval(() => undefined, 1_000)`
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [pid] = (await once(starter.stdout, 'data')) as [Buffer]
  const state = () => {
    try {
      return /\) (\w) /.exec(readFileSync(`/proc/${pid.toString()}/stat`, 'utf8'))?.[1]
    } catch {
      return 'gone'
    }
  }
  expect(['S', 'R']).toContain(state())
  expect(readFileSync(`/proc/${pid.toString()}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m)
  starter.kill('SIGKILL')
  await vi.waitFor(() => expect(['gone', 'Z']).toContain(state()), { timeout: 10_000 })

  const again = await startEmbeddedPostgres({ directory })
  await again.stop()
  expect(existsSync(join(directory, 'data'))).toBe(true)
  rmSync(directory, { recursive: true })
})

test('a server that could lose a commit is refused', { timeout: 60_000 }, async () => {
  const server = await startEmbeddedPostgres()
  appendFileSync(join(server.directory, 'data', 'postgresql.conf'), 'fsync = off\n')
  await server.kill()
  await server.start()
  const database = openDatabase(server.config('gateway'), session)
  await expect(database.knex.raw('SELECT 1')).rejects.toMatchObject({
    code: 'database_unavailable',
    details: { detail: 'PostgreSQL runs with fsync off' },
  })
  await database.close()
  await server.stop()
})

test('a directory that holds something else is refused and left as it is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealpost-test-'))
  appendFileSync(join(directory, 'mine'), 'x')
  const before = statSync(directory)
  await expect(startEmbeddedPostgres({ directory })).rejects.toMatchObject({ code: 'config_invalid' })
  expect(statSync(directory)).toMatchObject({ uid: before.uid, mode: before.mode })
  rmSync(directory, { recursive: true })
})

test('a path too long for a socket gets its socket elsewhere', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'sealpost-test-'))
  chmodSync(parent, 0o755)
  const server = await startEmbeddedPostgres({ directory: join(parent, 'x'.repeat(100)) })
  const database = openDatabase(server.config('owner'), session)
  await database.knex.raw('SELECT 1')
  await database.close()
  await server.stop()
  expect(existsSync(server.socketDirectory)).toBe(false)
  rmSync(parent, { recursive: true })
})

test.runIf(process.getuid?.() === 0)(
  'as root, binaries in a closed checkout are copied to where the server can run them',
  () => {
    const closed = mkdtempSync(join(tmpdir(), 'sealpost-test-'))
    const open = mkdtempSync(join(tmpdir(), 'sealpost-test-'))
    chmodSync(open, 0o755)
    cpSync(embeddedBinaries(), join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
    const user = { uid: 65_534, gid: 65_534 }
    expect(runnableBinaries(join(closed, 'native'), user, join(open, 'native'))).toBe(join(open, 'native'))
    expect(runnableBinaries(join(open, 'native'), user, 'unused')).toBe(join(open, 'native'))
    rmSync(closed, { recursive: true })
    rmSync(open, { recursive: true })
  },
)
