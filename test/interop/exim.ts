import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, chown, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '../../src/platform/pki/index.ts'
import { eventually, freePort, type Receiver, type ReceiverOptions } from './receiver.ts'
import { openWorkplace, run } from './run.ts'

/** Debian's Exim conflicts with its Postfix: where Postfix is installed, Exim's package lies unpacked here (.ci/run). */
const places = ['/usr/local/lib/exim4-for-tests/usr/sbin/exim4', '/usr/sbin/exim4']

/**
 * An Exim of its own in a temporary directory, as a receiver that keeps everything for its mailboxes. GnuTLS, where
 * Postfix has OpenSSL. It drops to its own user, so it must be started by root.
 */
export async function startExim(identity: Identity, options: ReceiverOptions): Promise<Receiver> {
  if (process.getuid?.() !== 0) throw new Error('Exim starts only as root: run the interop tests as root')
  const program = await installed()
  await using opened = new AsyncDisposableStack()
  const home = opened.use(await openWorkplace())
  const user = Number((await run('id', ['-u', 'Debian-exim'])).output)
  const group = Number((await run('id', ['-g', 'Debian-exim'])).output)
  await chmod(home.path, 0o755)
  const directory = async (name: string): Promise<string> => {
    const path = join(home.path, name)
    await mkdir(path)
    await chown(path, user, group)
    return path
  }
  const own = async (name: string, content: string): Promise<string> => {
    const path = await home.file(name, content)
    await chown(path, user, group)
    return path
  }
  const port = await freePort()
  const [mail, logs] = [await directory('mail'), await directory('log')]
  const config = await home.file(
    'exim.conf',
    configuration({
      port,
      mail,
      logs,
      spool: await directory('spool'),
      certificate: await own('tls.crt', identity.certificate),
      key: await own('tls.key', identity.key),
      options,
    }),
  )
  await chmod(config, 0o644)
  const daemon = spawn(program, ['-C', config, '-bdf'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  daemon.stderr.on('data', (piece: Buffer) => {
    complaint += piece.toString()
  })
  opened.defer(async () => {
    if (daemon.exitCode !== null) return
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
  })
  const log = (): Promise<string> => readFile(join(logs, 'mainlog'), 'utf8').catch(() => complaint)
  await eventually(async () => (/listening for SMTP/.test(await log()) ? true : undefined), log)
  const mails = async (): Promise<readonly Buffer[]> => {
    const box = join(mail, 'new')
    return Promise.all((await readdir(box).catch(() => [])).map(name => readFile(join(box, name))))
  }
  const resources = opened.move()
  return {
    port,
    log,
    logged: pattern =>
      eventually(async () => {
        const text = await log()
        return pattern.test(text) ? text : undefined
      }, log),
    mails,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function installed(): Promise<string> {
  for (const place of places) {
    const isHere = await access(place).then(
      () => true,
      () => false,
    )
    if (isHere) return place
  }
  throw new Error('Exim is not here: .ci/run shows how to unpack it beside Postfix')
}

interface Settings {
  readonly port: number
  readonly mail: string
  readonly logs: string
  readonly spool: string
  readonly certificate: string
  readonly key: string
  readonly options: ReceiverOptions
}

function configuration({ port, mail, logs, spool, certificate, key, options }: Settings): string {
  const { tls, domains } = options
  const versions = tls === 'none' ? '' : `+VERS-TLS${tls}`
  return `primary_hostname = mx.bank.test
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege = true
spool_directory = ${spool}
log_file_path = ${logs}/%slog
pid_file_path = ${spool}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
keep_environment =
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 60M
domainlist ours = ${domains.join(' : ')}
log_selector = +tls_cipher +smtp_connection +incoming_port
tls_advertise_hosts = ${tls === 'none' ? '' : '*'}
tls_certificate = ${certificate}
tls_privatekey = ${key}
tls_require_ciphers = NORMAL:-VERS-ALL:${versions}
acl_smtp_helo = heard_helo
acl_smtp_mail = heard_mail
acl_smtp_rcpt = take
acl_smtp_data = accept
begin acl
heard_helo:
  accept logwrite = heard HELO
heard_mail:
  accept logwrite = heard MAIL
take:
  accept domains = +ours
  deny message = not ours
begin routers
ours:
  driver = accept
  domains = +ours
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = ${mail}
  maildir_format
  create_directory
  envelope_to_add
  return_path_add
`
}
