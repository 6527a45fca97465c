import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Sink } from './sink.ts'

const run = promisify(execFile)

/** Whether Postfix, and its load generator, are here and may be started: its master process must be root. */
export function postfixIsHere(): boolean {
  return process.getuid?.() === 0 && spawnSync('which', ['postfix', 'smtp-source']).status === 0
}

/**
 * Messages a second that a plain Postfix takes by SMTP and relays, unencrypted inside, over verified TLS to the sink:
 * from the first byte in to the last confirmed at the sink. An instance of its own in a temporary directory.
 */
export async function measurePostfix(sink: Sink, ca: string, count: number, bytes: number): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), 'sealpost-postfix-'))
  chmodSync(home, 0o755)
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const directory = (name: string, owner?: string): string => {
    const path = join(home, name)
    mkdirSync(path, { mode: 0o755 })
    if (owner !== undefined) spawnSync('chown', [owner, path])
    return path
  }
  const config = directory('etc')
  writeFileSync(join(home, 'ca.pem'), ca)
  writeFileSync(
    join(config, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${directory('spool')}
data_directory = ${directory('data', 'postfix')}
maillog_file = ${join(home, 'mail.log')}
maillog_file_prefixes = ${home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = bench.example
mydestination =
alias_maps =
smtp_host_lookup = native
smtp_dns_support_level = disabled
relayhost = [localhost]:${sink.port}
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = hostname
smtp_tls_CAfile = ${join(home, 'ca.pem')}
smtp_tls_connection_reuse = no
smtp_tls_session_cache_database = btree:\${data_directory}/smtp_scache
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
default_destination_concurrency_limit = 20
smtp_destination_recipient_limit = 1
`,
  )
  writeFileSync(join(config, 'master.cf'), master(port))
  try {
    await run('postfix', ['-c', config, 'start'])
    const warmUp = 50
    await generate(port, warmUp, bytes)
    await sink.received(warmUp)
    const start = performance.now()
    await generate(port, count, bytes)
    await sink.received(count)
    return count / ((performance.now() - start) / 1000)
  } finally {
    await run('postfix', ['-c', config, 'stop']).catch(() => undefined)
    if (existsSync(home)) rmSync(home, { recursive: true, force: true })
  }
}

function generate(port: number, count: number, bytes: number): Promise<unknown> {
  const options = ['-s', '20', '-m', String(count), '-l', String(bytes), '-f', 'settlement@payments.example']
  return run('smtp-source', [...options, '-t', 'disputes@acquirer.example', `127.0.0.1:${port}`])
}

/** Debian's master.cf, cut down to what relaying needs. */
function master(port: number): string {
  return `127.0.0.1:${port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
`
}
