import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'
import { addApplication } from '../../src/access/index.ts'
import type { DatabaseConfig } from '../../src/config/index.ts'
import { initSigningKey } from '../../src/custody/index.ts'
import { type Client, type Correspondent, createCorrespondent, openClient } from '../../src/demo/index.ts'
import { type Address, domainOf, systemClock } from '../../src/kernel/index.ts'
import { openDatabase } from '../../src/platform/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../../src/platform/pki/index.ts'
import { generateSigningKey } from '../../src/sealer/host/index.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { activateRecipient, approvePolicy, quickToDerive, setDestination } from './shortcut.ts'

/** What `serve` needs around it; the gateways are processes of their own, to be stopped, killed and started again. */
export interface Ground {
  readonly database: Databases
  readonly owner: Knex
  readonly authority: Identity
  /** The certificate of `localhost` that a mail server is to show. */
  readonly mailIdentity: Identity
  /** The application's certificate. */
  readonly client: Identity
  /** The gateway's public OpenPGP certificate, binary. */
  readonly signer: Uint8Array
  /** All that `serve` is told by its environment. */
  readonly environment: Readonly<Record<string, string>>
  readonly passphrase: string
  /** Starts one `serve` and waits until it is ready. It is killed at the end, if it still runs. */
  serve(options?: ServeOptions): Promise<Serving>
  /** Enrols an address with a fresh key, reachable at that port of localhost. */
  addRecipient(address: string, mailPort: number): Promise<Correspondent>
  close(): Promise<void>
}

export interface ServeOptions {
  readonly roles?: 'api' | 'courier'
  readonly settings?: Readonly<Record<string, string>>
  /** Its working directory. */
  readonly cwd?: string
}

type Databases = Pick<TestDatabase, 'owner' | 'gateway' | 'superuser' | 'drop'>

/** One process of ours, ready or not. */
export interface ServeProcess {
  readonly pid: number
  /** Everything it wrote, to stdout and stderr. */
  readonly output: () => string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  signal(name: NodeJS.Signals): void
}

export interface Serving extends ServeProcess {
  readonly apiPort: number
  readonly opsPort: number
  readonly client: Client
  /** Process ids of the sealers that it has now. */
  sealers(): readonly number[]
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

export const sender = 'settlement@payments.example' as Address

const program = fileURLToPath(new URL('../../bin/sealpost', import.meta.url))

/** @param database a migrated one; without it, a fresh one on the server of this run */
export async function openGround(database?: Databases): Promise<Ground> {
  await using opened = new AsyncDisposableStack()
  const databases = opened.adopt(database ?? (await testDatabase()), used => used.drop())
  const directory = opened.adopt(await mkdtemp(join(tmpdir(), 'sealpost-ground-')), path =>
    rm(path, { recursive: true, force: true }),
  )
  const { knex: owner } = opened.adopt(
    openDatabase(databases.owner, { applicationName: 'test', statementTimeout: 30_000, poolSize: 4 }),
    pool => pool.close(),
  )
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, content, { mode: 0o600 })
    return path
  }
  const passphrase = 'correct horse battery staple'
  const authority = await createAuthority({ commonName: 'test CA', days: 1 })
  const mailAuthority = await createAuthority({ commonName: 'test mail CA', days: 1 })
  const server = await issueServerCertificate(authority, { dnsNames: ['localhost'], days: 1 })
  const mailIdentity = await issueServerCertificate(mailAuthority, { dnsNames: ['localhost'], days: 1 })
  const client = await issueClientCertificate(authority, { uri: 'urn:test:billing', days: 1 })
  await addApplication(owner, systemClock, {
    name: 'billing',
    san: 'URI:urn:test:billing',
    senders: [sender],
    ratePerMinute: 1_000_000,
  })
  await approvePolicy(owner)
  const { certificate: signer } = await initSigningKey(
    owner,
    systemClock,
    generateSigningKey,
    'gateway@gateway.test' as Address,
    passphrase,
    quickToDerive,
  )
  const environment = {
    ...databaseSettings(databases.gateway),
    SEALPOST_MAIL_HOST: 'gateway.test',
    SEALPOST_API_LISTEN: '127.0.0.1:0',
    SEALPOST_CONSOLE_LISTEN: '127.0.0.1:0',
    SEALPOST_PUBLIC_LISTEN: '127.0.0.1:0',
    SEALPOST_OPS_LISTEN: '127.0.0.1:0',
    SEALPOST_CONSOLE_URL: 'https://console.gateway.test',
    SEALPOST_PUBLIC_URL: 'https://keys.gateway.test',
    SEALPOST_ORGANISATION: 'Example Payments',
    SEALPOST_DISCOVERY: 'off',
    SEALPOST_TLS_CERT_FILE: await file('server.pem', server.certificate),
    SEALPOST_TLS_KEY_FILE: await file('server.key', server.key),
    SEALPOST_CLIENT_CA_FILE: await file('ca.pem', authority.certificate),
    SEALPOST_DELIVERY_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128',
    SEALPOST_SEALERS: '1',
  }

  const processes = opened.adopt(new Set<Serving>(), async running => {
    await Promise.all([...running].map(gateway => gateway.kill()))
  })
  const resources = opened.move()
  return {
    database: databases,
    owner,
    authority,
    mailIdentity,
    client,
    signer,
    environment,
    passphrase,
    async serve({ roles, settings = {}, cwd = directory } = {}) {
      const args = roles === undefined ? [] : ['--roles', roles]
      const gateway = await started(
        spawnServe({ ...environment, ...settings }, passphrase, args, cwd),
        port => openClient({ client, authority }, port),
      )
      processes.add(gateway)
      return gateway
    },
    async addRecipient(address, mailPort) {
      const correspondent = await createCorrespondent(address as Address)
      await setDestination(owner, domainOf(correspondent.address), {
        mode: 'pinned',
        hosts: [{ name: 'localhost', port: mailPort, tls: 'starttls' }],
        pins: { ca: mailAuthority.certificate },
      })
      await activateRecipient(owner, correspondent.address, correspondent.certificate)
      return correspondent
    },
    close: () => resources.disposeAsync(),
  }
}

/** Runs `serve` with exactly this environment; PATH alone is added. */
export function spawnServe(
  environment: Readonly<Record<string, string>>,
  passphrase: string,
  args: readonly string[] = [],
  cwd = tmpdir(),
): ServeProcess {
  return spawnCommand(['serve', '--passphrase-fd', '3', ...args], environment, passphrase, cwd)
}

/** Runs any command of ours, as {@link spawnServe}. */
export function spawnCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  passphrase = '',
  cwd = tmpdir(),
): ServeProcess {
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const descriptor = child.stdio[3] as NodeJS.WritableStream
  descriptor.on('error', () => undefined)
  descriptor.end(`${passphrase}\n`)
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals),
    signal: name => void child.kill(name),
  }
}

async function started(child: ServeProcess, connect: (port: number) => Client): Promise<Serving> {
  const over = new AbortController()
  void child.ended.then(() => over.abort())
  const announcement = (): string | undefined => /^.*"gateway-started".*$/m.exec(child.output())?.[0]
  while (announcement() === undefined) {
    if (over.signal.aborted) throw new Error(`serve ended with ${await child.ended}: ${child.output()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  const line = announcement() ?? ''
  const { port: apiPort = 0, opsPort } = JSON.parse(line) as { port?: number; opsPort: number }
  const client = connect(apiPort)
  return {
    ...child,
    apiPort,
    opsPort,
    client,
    // The process that inspects certificates is a child, too; its heap is smaller.
    sealers: () => childrenOf(child.pid).filter(pid => !commandOf(pid).includes('--max-old-space-size=64')),
    async kill() {
      child.signal('SIGKILL')
      await child.ended
      client.close()
    },
  }
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return list.split(' ').flatMap(text => (text.trim() === '' ? [] : [Number(text)]))
}

/** The arguments of a process; none when it is gone. */
function commandOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function databaseSettings(config: DatabaseConfig): Record<string, string> {
  if (config.kind !== 'socket') throw new Error('tests reach PostgreSQL by its socket')
  return { SEALPOST_DATABASE_SOCKET: config.directory, SEALPOST_DATABASE_NAME: config.database }
}
