import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseConfig } from '../config/index.ts'
import type { DestinationRule } from '../delivery/index.ts'
import type { Address } from '../kernel/index.ts'
import { startEmbeddedPostgres } from '../platform/index.ts'
import {
  createAuthority,
  type Identity,
  issueClientCertificate,
  issueServerCertificate,
} from '../platform/pki/index.ts'
import { type GatewayProcess, runCli, startGatewayProcess } from './run-cli.ts'

/**
 * All that surrounds a gateway, on loopback, in one directory: PostgreSQL, a throw-away CA, an application with its
 * certificate, a signing key. The gateway itself is the real `serve`, set up by the real commands.
 */
export interface Stage {
  readonly directory: string
  /** The database as its owner, for benches. */
  readonly database: DatabaseConfig
  /** The certificate that a mail server on `localhost` shows. */
  readonly mailIdentity: Identity
  readonly authority: Identity
  readonly mailAuthority: Identity
  readonly client: Identity
  /** The gateway's public OpenPGP certificate, armoured. */
  readonly signer: string
  /** Paths for curl. */
  readonly files: { readonly ca: string; readonly clientCertificate: string; readonly clientKey: string }
  /** Where a browser finds the listeners for operators and for recipients. */
  readonly consolePort: number
  readonly publicPort: number
  /** The rule of a domain whose mail goes to the server with `mailIdentity`, STARTTLS, at this port. */
  mailRule(port: number): DestinationRule
  /** Runs a command of our own against the stage. */
  run(args: readonly string[]): Promise<string>
  /** Starts another `serve`; more than one may run. `settings` go over the stage's own. */
  startGateway(settings?: Readonly<Record<string, string>>): Promise<GatewayProcess>
  /** Ends PostgreSQL and removes the directory. Gateways are to be stopped before. */
  close(): Promise<void>
}

export const stageSender = 'settlement@payments.example' as Address
const stageApplication = 'billing'

/**
 * @param data where PostgreSQL keeps its data; a temporary directory, removed at the end, when absent
 */
export async function openStage(data?: string): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const directory = opened.adopt(await mkdtemp(join(tmpdir(), 'sealpost-')), path =>
    rm(path, { recursive: true, force: true }),
  )
  await chmod(directory, 0o711)
  const postgres = opened.adopt(
    await startEmbeddedPostgres(data === undefined ? {} : { directory: data }),
    server => server.stop(),
  )
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, content, { mode: 0o600 })
    return path
  }

  const authority = await createAuthority({ commonName: 'Sealpost demo CA', days: 7 })
  const mailAuthority = await createAuthority({ commonName: 'Sealpost demo mail CA', days: 7 })
  const server = await issueServerCertificate(authority, {
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    days: 7,
  })
  const mailIdentity = await issueServerCertificate(mailAuthority, { dnsNames: ['localhost'], days: 7 })
  const san = 'urn:sealpost:application:billing'
  const client = await issueClientCertificate(authority, { uri: san, days: 7 })
  const files = {
    ca: await file('ca.pem', authority.certificate),
    clientCertificate: await file('client.pem', client.certificate),
    clientKey: await file('client.key', client.key),
  }
  // Links in mails name them, so they are chosen before anything listens.
  const [consolePort, publicPort] = [await freePort(), await freePort()]
  const environment = {
    SEALPOST_DATABASE_SOCKET: postgres.socketDirectory,
    SEALPOST_MAIL_HOST: 'gateway.payments.example',
    SEALPOST_API_LISTEN: '127.0.0.1:0',
    SEALPOST_CONSOLE_LISTEN: `127.0.0.1:${consolePort}`,
    SEALPOST_PUBLIC_LISTEN: `127.0.0.1:${publicPort}`,
    SEALPOST_OPS_LISTEN: '127.0.0.1:0',
    SEALPOST_CONSOLE_URL: `https://localhost:${consolePort}`,
    SEALPOST_PUBLIC_URL: `https://localhost:${publicPort}`,
    SEALPOST_ORGANISATION: 'Example Payments',
    SEALPOST_DISCOVERY: 'off',
    SEALPOST_TLS_CERT_FILE: await file('server.pem', server.certificate),
    SEALPOST_TLS_KEY_FILE: await file('server.key', server.key),
    SEALPOST_CLIENT_CA_FILE: files.ca,
    SEALPOST_DELIVERY_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128',
  }
  const settings = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'\n`)
  await file('environment', settings.join(''))
  const passphrase = randomBytes(24).toString('base64url')

  await runCli(['migrate'], environment)
  const key = JSON.parse(
    await runCli(['custody', 'init', '--json', '--passphrase-fd', '3'], environment, passphrase),
  ) as { certificate: string }
  await file('gateway.asc', key.certificate)
  await runCli(['app', 'add', stageApplication, '--san', `URI:${san}`, '--sender', stageSender], environment)
  const resources = opened.move()
  return {
    directory,
    database: postgres.config('owner'),
    consolePort,
    publicPort,
    mailIdentity,
    authority,
    mailAuthority,
    client,
    signer: key.certificate,
    files,
    mailRule: port => ({
      mode: 'pinned',
      hosts: [{ name: 'localhost', port, tls: 'starttls' }],
      pins: { ca: mailAuthority.certificate },
    }),
    run: args => runCli(args, environment),
    startGateway: settings => startGatewayProcess({ ...environment, ...settings }, passphrase),
    close: () => resources.disposeAsync(),
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
