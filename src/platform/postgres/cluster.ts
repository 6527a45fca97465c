import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { SealpostError } from '../../kernel/index.ts'
import { embeddedBinaries, runnableBinaries, type ServerUser } from './binaries.ts'

/** The files of one embedded PostgreSQL. */
export interface Cluster {
  /** Holds `data/`, `postgres.log` and, where its path is short enough, `socket/`. */
  readonly directory: string
  readonly data: string
  readonly log: string
  readonly socketDirectory: string
  readonly binaries: string
  /** Whom the server runs as; undefined: as ourselves. */
  readonly user: ServerUser | undefined
  /** Directories that we invented and that go when the server stops. */
  readonly temporary: readonly string[]
}

/**
 * As root the server runs as `nobody`: initdb needs a user that the system knows by name. Other processes of
 * `nobody` could read its files; so this is for demonstrations and tests.
 */
const nobody: ServerUser = { uid: 65_534, gid: 65_534 }

/** Room for the terminating zero in `sockaddr_un`. */
const longestSocketPath = 107

const settings = `
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
fsync = on
full_page_writes = on
synchronous_commit = on
min_wal_size = 64MB
max_wal_size = 1GB
# Row values and parameters stay out of the log.
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
`

/** Makes the files, or finds those of an earlier run. Throws `config_invalid`. */
export function prepareCluster(named: string | undefined): Cluster {
  const user = process.getuid?.() === 0 ? nobody : undefined
  const directory = named === undefined ? mkdtempSync(join(tmpdir(), 'sealpost-')) : resolve(named)
  const temporary = named === undefined ? [directory] : []
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const data = join(directory, 'data')
  if (!existsSync(data) && readdirSync(directory).some(name => !ours.has(name))) {
    throw invalid(`${directory} is not empty and holds no embedded PostgreSQL`)
  }
  giveTo(user, directory)
  if (!reachable(directory, user))
    throw invalid(`${directory} cannot be reached by the user ${userName(user)}`)

  const binaries = runnableBinaries(embeddedBinaries(), user, join(directory, 'native'))
  if (!existsSync(data)) initialise(binaries, directory, data, user)
  checkVersion(data, binaries)
  const socketDirectory = socketPlace(directory, user)
  if (socketDirectory.invented) temporary.push(socketDirectory.path)
  return {
    directory,
    data,
    log: join(directory, 'postgres.log'),
    socketDirectory: socketDirectory.path,
    binaries,
    user,
    temporary,
  }
}

const ours = new Set(['data', 'data.new', 'native', 'socket', 'postgres.log'])

function initialise(binaries: string, directory: string, data: string, user: ServerUser | undefined): void {
  // A crash before the rename leaves data.new; the next start begins again.
  const fresh = join(directory, 'data.new')
  rmSync(fresh, { recursive: true, force: true })
  const made = spawnSync(
    join(binaries, 'bin', 'initdb'),
    [
      '-D',
      fresh,
      '-U',
      'postgres',
      '-E',
      'UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--auth=peer',
      '--no-instructions',
      // A new segment is filled with zeros while commits wait: 60 ms for the usual 16 MB, 4 ms for 1 MB.
      '--wal-segsize=1',
    ],
    { ...user, cwd: directory, env: {}, encoding: 'utf8' },
  )
  if (made.status !== 0) throw invalid(`initdb failed: ${made.stderr.trim()}`)
  appendFileSync(join(fresh, 'postgresql.conf'), settings)
  // Only this very user of the system gets in, whatever the mode of the socket; as any role.
  writeFileSync(join(fresh, 'pg_hba.conf'), 'local all all peer map=host\n')
  writeFileSync(join(fresh, 'pg_ident.conf'), `host "${userInfo().username}" all\n`)
  renameSync(fresh, data)
}

function checkVersion(data: string, binaries: string): void {
  const major = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  const version = spawnSync(join(binaries, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' }).stdout
  if (!version.includes(` ${major}.`)) {
    throw invalid(`${data} belongs to PostgreSQL ${major}; the embedded one is ${version.trim()}`)
  }
}

function socketPlace(directory: string, user: ServerUser | undefined): { path: string; invented: boolean } {
  const near = join(directory, 'socket')
  const invented = Buffer.byteLength(join(near, '.s.PGSQL.5432')) > longestSocketPath
  const path = invented ? mkdtempSync('/tmp/sealpost-') : near
  mkdirSync(path, { recursive: true, mode: 0o700 })
  giveTo(user, path)
  return { path, invented }
}

function giveTo(user: ServerUser | undefined, directory: string): void {
  chmodSync(directory, 0o700)
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
}

function reachable(directory: string, user: ServerUser | undefined): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -w "$0"', directory], { ...user, cwd: '/' }).status === 0
}

function userName(user: ServerUser | undefined): string {
  return user === undefined ? userInfo().username : 'nobody'
}

function invalid(detail: string): SealpostError {
  return new SealpostError('config_invalid', { detail })
}
